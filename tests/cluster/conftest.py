"""A real cluster: what only nodes show is shown here. Whatever is scaled, moved or cut is put back afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesh.running_shop import Shop
from tests.cluster.nodes import entrance
from tests.end_to_end.conftest import (
    CLUSTER,
    OVERLAY,
    PATIENCE,
    argosy,
    client,
    cluster,
    gateway,
    shop,
    shop_was_there,
    shopper,
)

__all__ = ["client", "cluster", "gateway", "shop", "shop_was_there", "shopper"]  # the same fixtures, for pytest
SERVICES = tuple(
    f"{service}-v1"
    for service in ("cart", "catalog", "inventory", "orders", "payments", "recommendations", "storefront", "users")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(PATIENCE))
            if CLUSTER.local:
                item.add_marker(pytest.mark.skip(reason="needs a real cluster: set KUBECONFIG, then make test-cluster"))


@pytest.fixture
def empty(shop_was_there: bool, cluster: None) -> Iterator[None]:
    """No shop in the cluster; there is one again afterwards."""
    if shop_was_there:
        pytest.skip("would take the shop away that was there before the tests: argosy undeploy")
    assert argosy("undeploy", "--yes").code == 0
    yield
    assert argosy("deploy", OVERLAY).code == 0


@pytest.fixture
async def pairs(shop: Shop) -> AsyncIterator[None]:
    """Two pods of every service and of the gateway."""
    deployments = (*SERVICES, "gateway")
    for deployment in deployments:
        await shop.scale(deployment, 2)
    yield
    for deployment in deployments:
        await shop.scale(deployment, 1)


@pytest.fixture
def door(cluster: None) -> str:
    """host:port of a way in that no pod's end closes."""
    return entrance()
