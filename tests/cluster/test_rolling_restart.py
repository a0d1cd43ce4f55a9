"""Can everything be replaced while customers shop? And is it the manifests that make it so?"""

from __future__ import annotations

import asyncio

from loadtest.open_loop import OpenLoop
from loadtest.shopper import Shopper
from mesh.running_shop import Shop, pod_name
from tests.cluster.conftest import SERVICES
from tests.cluster.crowd import failures, shopping

EVERYTHING = (*SERVICES, "catalog-v2", "payments-v2", "gateway")
TRIES = 5


async def pods(shop: Shop) -> set[str]:
    apps = {deployment.partition("-")[0] for deployment in EVERYTHING}
    return {pod_name(pod) for app in apps for pod in await shop.pods(app)}


async def test_every_deployment_and_the_gateway_restart_without_a_failed_call(door: str, shop: Shop) -> None:
    before = await pods(shop)
    async with shopping(door) as crowd:
        for deployment in EVERYTHING:
            await shop.restart(deployment)
        await crowd.go_on(500)
    assert not before & await pods(shop)
    assert crowd.failures() == [], f"sent up to {crowd.late():.2f} s late"


async def test_without_the_drain_delay_a_restart_fails_calls(shopper: Shopper, shop: Shop) -> None:
    """The negative control: a server that stops at once stops before its callers have heard of it."""
    async with shop.variables("catalog-v1", {"DRAIN_DELAY_SECONDS": "0"}):
        failed: list[str] = []
        for _ in range(TRIES):
            load = OpenLoop(lambda _: shopper.get_product(timeout=2.0), rate=200)
            running = asyncio.create_task(load.run())
            await shop.restart("catalog-v1")
            load.stop()
            failed += failures(await running)
            if failed:
                break
    assert failed
