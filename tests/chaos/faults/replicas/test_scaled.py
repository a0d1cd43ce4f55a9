"""A Deployment has as many pods as the experiment wants, and afterwards as many as before."""

from __future__ import annotations

from mesh.chaos.faults.replicas.scaled import Scaled
from tests.chaos.faults.replicas.scripted_controller import ScriptedController

CATALOG = "catalog-v1"
NONE, TWO = Scaled(CATALOG, 0), Scaled(CATALOG, 2)


async def test_no_pod_is_left_until_it_is_removed() -> None:
    cluster = ScriptedController(CATALOG, "orders-v1")
    async with cluster.site() as site:
        memory = await NONE.plan(site)
        await NONE.inject(site, memory)
        assert cluster.pods(CATALOG) == set()
        assert (await NONE.proof(site, memory)).present
        await NONE.remove(site, memory)
        assert (await NONE.proof(site, memory)).present is False
    assert len(cluster.pods(CATALOG)) == len(cluster.pods("orders-v1")) == 1


async def test_planning_changes_nothing_and_neither_does_a_removal_without_an_injection() -> None:
    cluster = ScriptedController(CATALOG)
    before = cluster.pods(CATALOG)
    async with cluster.site() as site:
        await TWO.remove(site, await TWO.plan(site))
    assert cluster.pods(CATALOG) == before
    assert not cluster.written


async def test_the_proof_counts_pods_and_does_not_ask_the_deployment() -> None:
    cluster = ScriptedController(CATALOG)
    cluster.idle = True
    cluster.scale(CATALOG, 2)
    async with cluster.site() as site:
        proof = await TWO.proof(site, {"before": 1})
    assert proof.present is False
    assert "1 pods, 1 Ready" in proof.detail


async def test_a_pod_that_is_not_ready_proves_nothing() -> None:
    cluster = ScriptedController(CATALOG)
    [pod] = cluster.pods(CATALOG)
    cluster.edit("pods", pod, lambda found: found.update(status={}))
    async with cluster.site() as site:
        assert (await Scaled(CATALOG, 1).proof(site, {"before": 0})).present is False


async def test_it_can_be_removed_again_and_leaves_what_somebody_has_set_meanwhile() -> None:
    cluster = ScriptedController(CATALOG)
    async with cluster.site() as site:
        memory = await TWO.plan(site)
        await TWO.inject(site, memory)
        await TWO.remove(site, memory)
        cluster.scale(CATALOG, 5)
        await TWO.remove(site, memory)
    assert len(cluster.pods(CATALOG)) == 5


async def test_a_control_inside_of_a_preparation_is_undone_in_reverse() -> None:
    cluster, one = ScriptedController(CATALOG), Scaled(CATALOG, 1)
    cluster.scale(CATALOG, 3)
    async with cluster.site() as site:
        prepared = await TWO.plan(site)
        await TWO.inject(site, prepared)
        controlled = await one.plan(site)
        await one.inject(site, controlled)
        await one.remove(site, controlled)
        await TWO.remove(site, prepared)
    assert len(cluster.pods(CATALOG)) == 3


async def test_what_an_autoscaler_decides_can_only_be_nothing_at_all() -> None:
    cluster = ScriptedController(CATALOG)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": CATALOG}
    scaler = {"metadata": {"name": "catalog"}, "spec": {"maxReplicas": 4, "scaleTargetRef": target}}
    cluster.put("horizontalpodautoscalers", scaler)
    async with cluster.site() as site:
        assert "HorizontalPodAutoscaler" in await TWO.impossible(site)
        assert await NONE.impossible(site) == ""


async def test_a_deployment_that_is_not_there_is_named() -> None:
    async with ScriptedController(CATALOG).site() as site:
        assert await TWO.impossible(site) == ""
        assert "carts-v1" in await Scaled("carts-v1", 0).impossible(site)
