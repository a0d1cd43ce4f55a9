"""A pod of a real cluster, as `argosy status` sees it: native sidecars, their node, what istiod says of them."""

from __future__ import annotations

from typing import Any

from lightkube.resources.core_v1 import Pod

from mesh.cluster.observation import picture_of
from mesh.local.picture import Picture, PodPicture
from mesh.local.readiness import missing
from mesh.local.report import as_json
from mesh.local.sync import NOT_CONNECTED, Sync

SYNCED = {"orders-1.shop": Sync(synced=True, detail="")}


def container(name: str, *, ready: bool = True, restarts: int = 0) -> dict[str, Any]:
    return {"name": name, "image": "", "imageID": "", "ready": ready, "restartCount": restarts}


def pod(*, phase: str = "Running", native: bool = True, ready: bool = True) -> Pod:
    sidecar, application = container("istio-proxy", ready=ready), container("orders", restarts=2)
    made = Pod.from_dict(
        {
            "metadata": {
                "name": "orders-1",
                "namespace": "shop",
                "labels": {"version": "v1"},
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": {
                "containers": [{"name": "orders"}, *([] if native else [{"name": "istio-proxy"}])],
                "initContainers": [
                    {"name": "istio-init"},
                    *([{"name": "istio-proxy", "restartPolicy": "Always"}] if native else []),
                ],
                "nodeName": "node2",
                "serviceAccountName": "orders",
            },
            "status": {
                "phase": phase,
                "conditions": [{"type": "Ready", "status": str(ready)}],
                "initContainerStatuses": [container("istio-init"), *([sidecar] if native else [])],
                "containerStatuses": [application, *([] if native else [sidecar])],
            },
        }
    )
    assert isinstance(made, Pod)
    return made


def lacking(seen: PodPicture) -> list[str]:
    return missing(Picture((), pods=(seen,)))


def test_a_native_sidecar_is_a_container_and_an_init_container_is_none() -> None:
    seen = picture_of(pod(), SYNCED)
    assert [each.name for each in seen.containers] == ["orders", "istio-proxy"]
    assert (seen.node, seen.restarts, seen.identity) == ("node2", 2, "spiffe://cluster.local/ns/shop/sa/orders")
    assert lacking(seen) == []


def test_an_ordinary_sidecar_is_seen_as_well() -> None:
    seen = picture_of(pod(native=False), SYNCED)
    assert [each.name for each in seen.containers] == ["orders", "istio-proxy"]
    assert seen.sync == SYNCED["orders-1.shop"]


def test_a_sidecar_that_istiod_does_not_know_is_missed() -> None:
    seen = picture_of(pod(), {})
    assert seen.sync == NOT_CONNECTED
    assert lacking(seen) == ["orders-1: sidecar not connected to istiod"]


def test_what_a_sidecar_refuses_is_missed_in_its_words() -> None:
    refusing = {"orders-1.shop": Sync(synced=False, detail="refuses Listener: too wide", refuses=True)}
    assert lacking(picture_of(pod(), refusing)) == ["orders-1: sidecar refuses Listener: too wide"]


def test_where_istiod_may_not_be_asked_a_ready_sidecar_counts_and_it_is_said() -> None:
    seen = picture_of(pod(), None)
    assert seen.sync == Sync(synced=True, detail="istiod cannot be asked")
    assert lacking(seen) == []
    assert picture_of(pod(ready=False), None).sync == Sync(synced=False, detail="not ready")


def test_a_pod_that_has_ended_has_no_sidecar_to_be_missed() -> None:
    assert picture_of(pod(phase="Succeeded"), {}).sync is None


def test_the_document_has_the_shape_of_the_local_clusters() -> None:
    document = as_json(Picture((), pods=(picture_of(pod(), SYNCED),)))
    assert (document["ready"], document["supervisor"], document["parts"]) == (True, None, [])
    assert document["pods"][0]["sidecar"] == {"synced": True, "detail": "", "rejected": None}
    assert document["pods"][0]["node"] == "node2"
