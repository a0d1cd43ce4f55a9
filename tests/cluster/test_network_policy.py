"""Does the network itself refuse what no policy allows? Only where the cluster's network plugin enforces it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.nodes import apply, objects
from tests.cluster.outsiders import CONNECT, LISTEN, NAMESPACE, WAITING, address, beyond_the_mesh, pod, says, started

NOBODY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "nobody", "namespace": NAMESPACE},
    "spec": {"podSelector": {"matchLabels": {"app": "closed"}}, "policyTypes": ["Ingress"]},
}
PORT = "50051"


@pytest.fixture
def enforced(cluster: None) -> Iterator[None]:
    """Two pods outside the mesh; skipped where one that nobody may reach is reached all the same."""
    with beyond_the_mesh():
        apply(NOBODY)
        closed = pod("closed", NAMESPACE, LISTEN, labels={"app": "closed"})
        with started(closed, pod("open", NAMESPACE, LISTEN), pod("outsider", NAMESPACE, WAITING)):
            assert says("outsider", NAMESPACE, CONNECT, address("open", NAMESPACE), "8000") == "connected"
            if says("outsider", NAMESPACE, CONNECT, address("closed", NAMESPACE), "8000") == "connected":
                pytest.skip("this cluster's network plugin does not enforce NetworkPolicy")
            yield


def service(app: str) -> str:
    """The address of a pod of the service: a Service's own is translated before policies are asked."""
    (first, *_) = objects("pods", "-n", "shop", "-l", f"app={app},version=v1", "--field-selector=status.phase=Running")
    return str(first["status"]["podIP"])


@pytest.mark.parametrize("app", ["catalog", "inventory", "orders", "payments"])
def test_the_network_refuses_an_outsider(enforced: None, app: str) -> None:
    assert says("outsider", NAMESPACE, CONNECT, service(app), PORT) == "refused"


def test_the_network_knows_who_calls_whom(enforced: None) -> None:
    """What calls payments comes through, what has no business there does not; both are pods of the shop."""
    # Without a proxy, and never ready: no customer is sent to a pod that only bears the label.
    likenesses = {app: pod(f"like-{app}", "shop", WAITING, labels={"app": app}) for app in ("orders", "catalog")}
    for likeness in likenesses.values():
        likeness["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["false"]}}
    with started(*likenesses.values()):
        assert says("like-orders", "shop", CONNECT, service("payments"), PORT) == "connected"
        assert says("like-catalog", "shop", CONNECT, service("payments"), PORT) == "refused"
