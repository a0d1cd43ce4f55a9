"""Does anybody get an answer without a certificate? A pod outside the mesh asks every service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mesh.running_shop import Shop
from tests.cluster.conftest import SERVICES
from tests.cluster.nodes import apply
from tests.cluster.outsiders import (
    CONNECT,
    HEALTH,
    LISTEN,
    NAMESPACE,
    WAITING,
    address,
    beyond_the_mesh,
    pod,
    says,
    started,
)
from tests.end_to_end.conftest import kubectl

NAMES = tuple(deployment.removesuffix("-v1") for deployment in SERVICES)
ITS_OWN = {"users": "UNAVAILABLE"}  # it has a PeerAuthentication, which goes on saying STRICT
# Where the network is policed, it would refuse first; here the mesh is to decide.
OPEN_NETWORK = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "outsiders", "namespace": "shop"},
    "spec": {
        "podSelector": {},
        "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}}]}],
    },
}


@pytest.fixture
def outsider(cluster: None) -> Iterator[str]:
    """The name of a pod outside the mesh, whose packets get everywhere."""
    with beyond_the_mesh():
        apply(OPEN_NETWORK)
        try:
            with started(pod("outsider", NAMESPACE, WAITING), pod("plain", NAMESPACE, LISTEN)):
                yield "outsider"
        finally:
            assert kubectl("delete", "networkpolicy", "outsiders").code == 0


def answers(outsider: str) -> dict[str, str]:
    """The status code of a health check in plaintext, by service."""
    return {name: says(outsider, NAMESPACE, HEALTH, f"{name}.shop:50051") for name in NAMES}


async def test_strict_mtls_refuses_plaintext_from_outside_the_mesh(outsider: str, shop: Shop) -> None:
    assert answers(outsider) == dict.fromkeys(NAMES, "UNAVAILABLE")


async def test_permissive_mtls_lets_it_through_to_a_server_that_knows_nobody(outsider: str, shop: Shop) -> None:
    """The negative control: the same question is answered, with a refusal, where plaintext is allowed."""
    async with shop.mtls("PERMISSIVE"):
        assert answers(outsider) == dict.fromkeys(NAMES, "PERMISSION_DENIED") | ITS_OWN
    assert answers(outsider) == dict.fromkeys(NAMES, "UNAVAILABLE")


def test_an_outsider_reaches_a_plain_port(outsider: str) -> None:
    """The other control: nothing but the mesh is in its way."""
    assert says(outsider, NAMESPACE, CONNECT, address("plain", NAMESPACE), "8000") == "connected"
