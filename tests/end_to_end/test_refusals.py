"""What Kubernetes, istiod or a sidecar does not take is refused, and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import CLUSTER, Done, argosy, eventually, kubectl

pytestmark = pytest.mark.usefixtures("cluster")

REFUSED = 1  # exit code of argosy
# As people apply, and as `argosy up` does.
WAYS = [["apply"], ["apply", "--server-side", "--force-conflicts", "--validate=false"]]
TO_X: dict[str, Any] = {"destination": {"host": "x"}}
NEGATIVE_WEIGHT: dict[str, Any] = {"http": [{"route": [{**TO_X, "weight": -1}]}]}
BOGUS_RETRY: dict[str, Any] = {"http": [{"retries": {"retryOn": "bogus"}, "route": [TO_X]}]}
TYPO: dict[str, Any] = {"htpp": []}


def refused(done: Done) -> str:
    assert done.code != 0, done.out
    return done.err


def virtual_service(spec: dict[str, Any]) -> str:
    kind = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService"}
    return json.dumps({**kind, "metadata": {"name": "bad", "namespace": "shop"}, "spec": {"hosts": ["x"], **spec}})


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
@pytest.mark.parametrize(("spec", "said"), [(NEGATIVE_WEIGHT, "weight"), (BOGUS_RETRY, "retryOn"), (TYPO, "htpp")])
def test_a_bad_virtual_service_is_refused(spec: dict[str, Any], said: str, way: list[str]) -> None:
    assert said in refused(kubectl(*way, "-f", "-", stdin=virtual_service(spec)))
    assert "NotFound" in refused(kubectl("get", "virtualservice", "bad"))


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_a_bad_deployment_is_refused(way: list[str]) -> None:
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bad"}, "spec": {"replicas": -1}}
    assert "spec" in refused(kubectl(*way, "-f", "-", stdin=json.dumps(manifest)))


@pytest.mark.local_only("argosy up starts the local cluster")
def test_up_says_which_manifest_was_refused_and_leaves_the_cluster_alone(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [bad.yaml]\n")
    (tmp_path / "bad.yaml").write_text(virtual_service(NEGATIVE_WEIGHT))
    done = argosy("up", "--manifests", str(tmp_path))
    assert done.code == REFUSED
    assert "weight" in done.err
    assert argosy("status").code == 0


def filter_that_envoy_does_not_have(app: str) -> dict[str, Any]:
    typed = {"@type": "type.googleapis.com/udpa.type.v1.TypedStruct", "type_url": "type.googleapis.com/no.such.Filter"}
    before = {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}}
    patch = {
        "applyTo": "NETWORK_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": before},
        "patch": {"operation": "INSERT_BEFORE", "value": {"name": "no-such", "typed_config": typed}},
    }
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "no-such", "namespace": "shop"},
        "spec": {"workloadSelector": {"labels": {"app": app}}, "configPatches": [patch]},
    }


def sidecar_of(app: str) -> dict[str, Any]:
    pods = argosy("status", "--json").json["pods"]
    sidecar: dict[str, Any] = next(pod["sidecar"] for pod in pods if pod["name"].startswith(f"{app}-v"))
    return sidecar


def test_status_says_what_a_sidecar_refuses_and_forgets_it_with_the_pod() -> None:
    assert kubectl("apply", "-f", "-", stdin=json.dumps(filter_that_envoy_does_not_have("inventory"))).code == 0
    try:
        eventually("refused", lambda: "no.such.Filter" in sidecar_of("inventory")["detail"], wanted=True)
        assert argosy("status").code == 1
    finally:
        kubectl("delete", "envoyfilter", "no-such")
    eventually("mended", lambda: sidecar_of("inventory")["synced"], wanted=True)
    if CLUSTER.local:  # where Envoy's own count is seen, which knows no forgiveness
        assert argosy("status").code == 1
    assert kubectl("delete", "pod", "-l", "app=inventory").code == 0
    eventually("replaced", lambda: argosy("status").code, wanted=0)
    assert not sidecar_of("inventory")["rejected"]
