"""What an overlay may add: faults, load, observability. Each does what it says and nothing besides."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from loadtest import processes, worker
from loadtest.run import main as load
from mesh.policy.built import lint_objects
from tests.k8s.manifests import K8S, Manifests, Object, build
from tests.policy.policies import committed

OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources: [{k8s}/overlays/kind]
components: [{k8s}/components/{component}]
"""


@pytest.fixture
def with_component(kubectl: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Manifests:
    """Overlay kind and the component that the test names."""
    k8s = os.path.relpath(K8S, tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(OVERLAY.format(k8s=k8s, component=request.param))
    return build(kubectl, tmp_path)


def added(before: Manifests, after: Manifests) -> set[tuple[str, str]]:
    """Kind and name of what was added; nothing may be lost."""
    known, found = ({(one["kind"], one["metadata"]["name"]) for one in each.objects} for each in (before, after))
    assert known <= found
    return found - known


def fault_rules(shop: Manifests, service: str) -> list[Object]:
    return [rule for rule in shop.named("VirtualService", service)["spec"]["http"] if "fault" in rule]


@pytest.mark.parametrize("with_component", ["faults"], indirect=True)
def test_faults_meet_what_orders_calls_and_their_policy_allows(kind: Manifests, with_component: Manifests) -> None:
    assert added(kind, with_component) == set()
    for service in committed().services:
        rules = fault_rules(with_component, service)
        paths = {match["uri"]["exact"] for rule in rules for match in rule["match"]}
        wanted = set(committed().may_fail("orders", service)) if service in {"catalog", "inventory"} else set()
        assert paths == wanted, service
        assert all(match["sourceLabels"] == {"app": "orders"} for rule in rules for match in rule["match"])
        assert with_component.named("VirtualService", service)["spec"]["http"][-1]["name"] == "primary"
    assert lint_objects("faults", with_component.objects) == []


def test_faults_by_hand_are_refused_where_there_are_some_already(kubectl: Path, kind: Manifests) -> None:
    service = yaml.safe_dump(kind.named("VirtualService", "catalog"))
    patch = [str(kubectl), "patch", "--local", "-f", "-", "--type", "json", "-o", "yaml"]
    patch += ["--patch-file", str(K8S / "components" / "faults" / "catalog.yaml")]
    once = subprocess.run(patch, input=service, capture_output=True, text=True, check=True).stdout
    assert [rule["name"] for rule in yaml.safe_load(once)["spec"]["http"]] == ["fault-batchgetproducts", "primary"]
    assert subprocess.run(patch, input=once, capture_output=True, text=True, check=False).returncode != 0


@pytest.mark.parametrize("with_component", ["load"], indirect=True)
def test_load_waits_to_be_asked_and_knocks_at_the_gateway_like_anybody(
    kind: Manifests, with_component: Manifests
) -> None:
    job = {("CronJob", "load"), ("ServiceAccount", "load"), ("NetworkPolicy", "load"), ("Service", "load-master")}
    assert added(kind, with_component) == {*job, ("Deployment", "load-worker"), ("NetworkPolicy", "load-worker")}
    spec = with_component.named("CronJob", "load")["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert spec["suspend"] is True
    assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    assert container["command"][:3] == ["python", "-m", load.__module__]
    given = {one["name"]: one["value"] for one in container["env"]}
    port = with_component.named("Service", "gateway")["spec"]["ports"][0]["port"]
    assert given["ARGOSY_GATEWAY"] == f"gateway:{port}"
    (rule,) = with_component.named("NetworkPolicy", "load")["spec"]["egress"]
    assert rule["to"] == [{"podSelector": {"matchLabels": {"app": "gateway"}}}]


@pytest.mark.parametrize("with_component", ["load"], indirect=True)
def test_workers_wait_for_a_run_and_find_its_master(with_component: Manifests) -> None:
    spec = with_component.named("Deployment", "load-worker")["spec"]
    job = with_component.named("CronJob", "load")["spec"]["jobTemplate"]["spec"]["template"]
    master = with_component.named("Service", "load-master")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert spec["replicas"] == 0
    assert spec["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    assert container["command"] == [
        "python",
        "-m",
        worker.__name__,
        with_component.named("Service", "load-master")["metadata"]["name"],
    ]
    assert master["selector"].items() <= job["metadata"]["labels"].items()
    assert not master["selector"].items() <= spec["template"]["metadata"]["labels"].items()
    for policy, direction in (("load", "ingress"), ("load-worker", "egress")):
        rules = with_component.named("NetworkPolicy", policy)["spec"][direction]
        ports = [port["port"] for rule in rules for port in rule["ports"]]
        assert master["ports"][0]["port"] == processes.MASTER_PORT
        assert processes.MASTER_PORT in ports


@pytest.mark.parametrize("with_component", ["observability"], indirect=True)
def test_services_are_scraped_and_traced_and_failed_calls_logged(kind: Manifests, with_component: Manifests) -> None:
    assert added(kind, with_component) == {("Telemetry", "failed-calls"), ("NetworkPolicy", "traces")}
    for deployment in with_component.services():
        pod = deployment["spec"]["template"]
        metrics = next(port for port in pod["spec"]["containers"][0]["ports"] if port["name"] == "http-metrics")
        annotations = pod["metadata"]["annotations"]
        assert annotations["prometheus.io/scrape"] == "true"
        assert annotations["prometheus.io/port"] == str(metrics["containerPort"])
        variables = {one["name"]: one.get("value", "") for one in pod["spec"]["containers"][0]["env"]}
        endpoint = variables["OTEL_EXPORTER_OTLP_ENDPOINT"]
        (rule,) = with_component.named("NetworkPolicy", "traces")["spec"]["egress"]
        assert endpoint.endswith(f":{rule['ports'][0]['port']}")
    gateway = with_component.named("Deployment", "gateway")["spec"]["template"]
    assert "prometheus.io/port" not in gateway["metadata"].get("annotations", {})  # the injector adds its own
