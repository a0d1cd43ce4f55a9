"""Do pods come and go with the load? Where the cluster measures CPU at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from loadtest.open_loop import OpenLoop
from loadtest.shopper import Shopper
from mesh.running_shop import Shop
from tests.cluster.crowd import failures
from tests.cluster.nodes import apply
from tests.end_to_end.conftest import argosy, kubectl

PATIENCE = 300  # seconds; metrics are a minute old, and an autoscaler looks every 15 s
AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "catalog-v1", "namespace": "shop"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "catalog-v1"},
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "catalog",
                    "target": {"type": "Utilization", "averageUtilization": 40},
                },
            }
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
    },
}


@pytest.fixture
async def autoscaled(shop: Shop) -> AsyncIterator[None]:
    """Catalog v1 has an autoscaler, and one pod afterwards."""
    if argosy("kubectl", "get", "--raw", "/apis/metrics.k8s.io/v1beta1/pods").code != 0:
        pytest.skip("this cluster measures no CPU: metrics-server is missing")
    apply(AUTOSCALER)
    yield
    assert kubectl("delete", "horizontalpodautoscaler", "catalog-v1").code == 0
    await shop.scale("catalog-v1", 1)


async def until_pods(shop: Shop, more_than: int, at_most: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while not more_than < len(await shop.pods("catalog", "v1")) <= at_most:
            await asyncio.sleep(1)


async def test_load_brings_pods_and_quiet_takes_them_away(autoscaled: None, shopper: Shopper, shop: Shop) -> None:
    load = OpenLoop(lambda _: shopper.get_product(timeout=2.0), rate=150)
    running = asyncio.create_task(load.run())
    try:
        await until_pods(shop, 1, 3)
    finally:
        load.stop()
        report = await running
    await until_pods(shop, 0, 1)
    assert failures(report) == []
