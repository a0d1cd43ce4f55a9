"""Some pods are gone at once, and others come in their place."""

from __future__ import annotations

import pytest

from mesh.chaos.faults.replicas.pods_deleted import PodsDeleted
from mesh.chaos.problems import NotInjected
from tests.chaos.faults.replicas.scripted_controller import ScriptedController

CATALOG = "catalog-v1"
HALF = PodsDeleted(CATALOG)


@pytest.mark.parametrize(
    ("pods", "share", "deleted"), [(1, 0.5, 1), (2, 0.5, 1), (3, 0.5, 1), (4, 0.5, 2), (4, 1.0, 4), (2, 0.01, 1)]
)
async def test_so_many_of_them_and_always_one(pods: int, share: float, deleted: int) -> None:
    cluster = ScriptedController(CATALOG)
    cluster.scale(CATALOG, pods)
    before = cluster.pods(CATALOG)
    async with cluster.site() as site:
        fault = PodsDeleted(CATALOG, share)
        memory = await fault.plan(site)
        assert (await fault.proof(site, memory)).present is False
        await fault.inject(site, memory)
        assert (await fault.proof(site, memory)).present
        await fault.remove(site, memory)
    assert len(before - cluster.pods(CATALOG)) == deleted
    assert len(cluster.pods(CATALOG)) == pods


async def test_nobody_has_time_to_drain() -> None:
    cluster = ScriptedController(CATALOG)
    async with cluster.site() as site:
        await HALF.inject(site, await HALF.plan(site))
    assert cluster.graces == ["0"]


async def test_one_that_is_gone_already_is_no_failure() -> None:
    cluster = ScriptedController(CATALOG)
    async with cluster.site() as site:
        memory = await HALF.plan(site)
        await HALF.inject(site, memory)
        await HALF.inject(site, memory)
    assert len(cluster.pods(CATALOG)) == 1


async def test_without_a_pod_nothing_is_injected() -> None:
    cluster = ScriptedController(CATALOG)
    cluster.scale(CATALOG, 0)
    async with cluster.site() as site:
        memory = await HALF.plan(site)
        with pytest.raises(NotInjected, match="no pod"):
            await HALF.inject(site, memory)
