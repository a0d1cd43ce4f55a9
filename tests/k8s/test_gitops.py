"""GitOps tools deploy production as it is in git, in order, and leave alone what operators change in a running shop."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh.canary.act.route import HEADER_RULE
from tests.k8s.callers import CONTRACTS
from tests.k8s.manifests import K8S, Manifests, Object, build

WAVE = "argocd.argoproj.io/sync-wave"
FLUX = "kustomize.toolkit.fluxcd.io"
CANARY = [{"destination": {"host": "catalog", "subset": f"v{n}"}, "weight": n * 30 + 10} for n in (0, 1)]


def sample(file: str) -> Object:
    found: Object = yaml.safe_load((K8S / "gitops" / file).read_text())
    return found


@pytest.fixture
def application() -> Object:
    return sample("argo-cd/application.yaml")


@pytest.fixture
def kustomization() -> Object:
    return sample("flux/kustomization-shop.yaml")


@pytest.fixture
def by_flux(kustomization: Object, kubectl: Path, tmp_path: Path) -> Manifests:
    """What Flux makes of its Kustomization."""
    overlay = K8S.parent / kustomization["spec"]["path"]
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(overlay, tmp_path.resolve())],
        "components": [
            os.path.relpath(overlay / each, tmp_path.resolve()) for each in kustomization["spec"]["components"]
        ],
        "patches": kustomization["spec"]["patches"],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return build(kubectl, tmp_path)


def ignoring(application: Object, live: Object) -> Any:
    """`live` as Argo CD compares it: without what the application tells it to ignore."""
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("no jq here: what Argo CD ignores stays untested")
    (rule,) = [each for each in application["spec"]["ignoreDifferences"] if each["kind"] == live["kind"]]
    program = " | ".join(f"del({path})" for path in rule["jqPathExpressions"])
    done = subprocess.run([jq, program], input=json.dumps(live), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def delegates(manifests: Manifests) -> set[str]:
    """The VirtualServices that say which version answers."""
    return {one["metadata"]["name"] for one in manifests.of("VirtualService") if "hosts" not in one["spec"]}


def test_both_deploy_production_with_its_secrets_from_this_repository(
    application: Object, kustomization: Object
) -> None:
    source, flux = application["spec"]["source"], kustomization["spec"]
    assert (K8S.parent / source["path"]).samefile(K8S.parent / flux["path"])
    assert source["kustomize"]["components"] == flux["components"]
    for component in flux["components"]:
        assert (K8S.parent / flux["path"] / component / "kustomization.yaml").is_file()
    repository = sample("flux/git-repository.yaml")
    assert flux["sourceRef"] == {"kind": "GitRepository", "name": repository["metadata"]["name"]}
    assert repository["spec"]["url"] == source["repoURL"]


def test_argo_cd_does_not_revert_a_canary_or_a_fault(application: Object, production: Manifests) -> None:
    git = production.named("VirtualService", "catalog")
    live = json.loads(json.dumps(git))
    live["spec"]["http"][0]["route"][0]["weight"] = 90
    live["spec"]["http"].insert(0, {"name": "fault-getproduct", "fault": {"abort": {}}, "route": CANARY})
    live["spec"]["http"].insert(1, {"name": HEADER_RULE, "match": [{"headers": {}}], "route": CANARY})
    assert ignoring(application, live) == ignoring(application, git)


def test_argo_cd_does_revert_another_destination_and_another_rule(application: Object, production: Manifests) -> None:
    git = production.named("VirtualService", "catalog")
    for change in ({"route": CANARY}, {"name": "detour"}):
        live = json.loads(json.dumps(git))
        live["spec"]["http"][0].update(change)
        assert ignoring(application, live) != ignoring(application, git)


def test_argo_cd_applies_only_what_differs_so_that_a_sync_keeps_weights(application: Object) -> None:
    assert "ApplyOutOfSyncOnly=true" in application["spec"]["syncPolicy"]["syncOptions"]
    assert "RespectIgnoreDifferences=true" not in application["spec"]["syncPolicy"]["syncOptions"]


def test_flux_makes_once_what_operators_change_and_keeps_the_rest(by_flux: Manifests) -> None:
    once = {
        one["metadata"]["name"]
        for one in by_flux.objects
        if one["metadata"].get("annotations", {}).get(f"{FLUX}/ssa") == "IfNotPresent"
    }
    assert once == delegates(by_flux) == {*CONTRACTS, "storefront"}


def test_flux_is_not_told_to_ignore_a_field_that_it_alone_owns_because_it_would_remove_it(
    kustomization: Object,
) -> None:
    assert "ignore" not in kustomization["spec"]


def test_nobody_reverts_an_autoscaler_because_git_says_no_number(production: Manifests) -> None:
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in production.of("HorizontalPodAutoscaler")}
    fixed = {one["metadata"]["name"] for one in production.of("Deployment") if "replicas" in one["spec"]}
    assert scaled & fixed == set()
    assert scaled | fixed == production.names("Deployment")


def test_argo_cd_starts_pods_after_everything_that_they_need(production: Manifests) -> None:
    waves: dict[str, set[int]] = {}
    for one in production.objects:
        wave = int(one["metadata"].get("annotations", {}).get(WAVE, 0))
        waves.setdefault(one["kind"], set()).add(wave)
    assert waves.pop("Deployment") == waves.pop("HorizontalPodAutoscaler") == {2}
    assert waves.pop("Job", {1}) == {1}
    assert set().union(*waves.values()) == {0}


def test_flux_may_make_a_migration_again(production: Manifests) -> None:
    for job in production.of("Job"):
        assert job["metadata"]["annotations"][f"{FLUX}/force"] == "enabled", job["metadata"]["name"]
        assert "ttlSecondsAfterFinished" not in job["spec"], "Flux would run it again at every interval"


def test_no_sample_names_a_place_that_exists() -> None:
    for file in (K8S / "gitops").rglob("*.yaml"):
        for address in re.findall(r"https?://([^/\s]+)", file.read_text()):
            assert address.endswith(".example.com"), file
