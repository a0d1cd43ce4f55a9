"""Can a node be taken out of service while customers shop?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from mesh.running_shop import Shop
from tests.cluster import nodes
from tests.cluster.crowd import Crowd, shopping
from tests.end_to_end.conftest import kubectl

SELECTORS = (nodes.OURS, "app=gateway")


@pytest.fixture
def victim(cluster: None) -> Iterator[str]:
    """A node with nothing but the shop's services on it, in service again afterwards."""
    chosen = nodes.name(nodes.workers()[0])
    nodes.move_others_off(chosen)
    with nodes.restored(chosen):
        yield chosen


def here(node: str) -> set[str]:
    return {pod for selector in SELECTORS for pod in nodes.pods_on(node, selector)}


async def drained(node: str, crowd: Crowd) -> set[str]:
    """Drain the node; the pods that stood there, when the last of them has gone."""
    stood = await asyncio.to_thread(here, node)
    await asyncio.to_thread(nodes.drain, node)
    async with asyncio.timeout(120):
        while await asyncio.to_thread(here, node):
            await asyncio.sleep(0.5)
    await crowd.go_on()
    return stood


async def test_a_node_is_drained_without_a_failed_call(victim: str, pairs: None, shop: Shop) -> None:
    async with shopping(nodes.entrance(avoiding=victim)) as crowd:
        stood = await drained(victim, crowd)
    assert {pod.partition("-")[0] for pod in stood} >= {"catalog", "gateway", "orders"}
    assert crowd.failures() == [], f"sent up to {crowd.late():.2f} s late"


@pytest.fixture
async def crowded(victim: str, pairs: None, shop: Shop) -> None:
    """Both pods of catalog v1 stand on the node that will be drained."""
    others = [nodes.name(node) for node in nodes.workers() if nodes.name(node) != victim]
    for other in others:
        assert kubectl("cordon", other).code == 0
    try:
        await shop.restart("catalog-v1")
    finally:
        for other in others:
            assert kubectl("uncordon", other).code == 0
    assert {pod.spec and pod.spec.nodeName for pod in await shop.pods("catalog", "v1")} == {victim}


async def test_two_pods_on_the_drained_node_go_one_after_the_other(crowded: None, victim: str) -> None:
    async with shopping(nodes.entrance(avoiding=victim)) as crowd:
        await drained(victim, crowd)
    assert crowd.failures() == [], f"sent up to {crowd.late():.2f} s late"


async def test_without_a_disruption_budget_they_go_together_and_calls_fail(crowded: None, victim: str) -> None:
    """The negative control."""
    budget = kubectl("get", "poddisruptionbudget", "catalog", "-o", "json").json
    assert kubectl("delete", "poddisruptionbudget", "catalog").code == 0
    try:
        async with shopping(nodes.entrance(avoiding=victim)) as crowd:
            await drained(victim, crowd)
    finally:
        nodes.apply({key: budget[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": _identity(budget)})
    assert crowd.failures()


def _identity(found: dict[str, dict[str, object]]) -> dict[str, object]:
    return {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
