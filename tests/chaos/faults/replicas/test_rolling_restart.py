"""Every pod is another one afterwards, some deployments at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh.chaos.faults.replicas.replaced_at_once import AT_ONCE, ReplacedAtOnce
from mesh.chaos.faults.replicas.rolling_restart import RollingRestart
from tests.chaos.faults.replicas.scripted_controller import CAREFUL, ScriptedController

NAMES = ("cart-v1", "catalog-v1", "orders-v1")
RESTART = RollingRestart(NAMES, at_a_time=2)
RUDE = ReplacedAtOnce(NAMES[:2])


def pods(cluster: ScriptedController) -> set[str]:
    return {pod for name in NAMES for pod in cluster.pods(name)}


def patched(cluster: ScriptedController) -> list[str]:
    return [path.rpartition("/")[2] for method, path, _ in cluster.written if method == "PATCH"]


async def test_all_pods_are_replaced_two_deployments_at_a_time() -> None:
    cluster = ScriptedController(*NAMES)
    before = pods(cluster)
    async with cluster.site() as site:
        memory = await RESTART.plan(site)
        assert (await RESTART.proof(site, memory)).present is False
        await RESTART.inject(site, memory)
        assert (await RESTART.proof(site, memory)).present
        await RESTART.remove(site, memory)
    assert not before & pods(cluster)
    assert len(pods(cluster)) == len(before)
    assert set(patched(cluster)[:2]) == set(NAMES[:2])
    assert patched(cluster)[2:] == ["orders-v1"]


async def test_one_pod_from_before_and_it_is_not_proved() -> None:
    cluster = ScriptedController(*NAMES)
    async with cluster.site() as site:
        memory = await RESTART.plan(site)
        await RollingRestart(NAMES[:2]).inject(site, memory)
        proof = await RESTART.proof(site, memory)
    assert proof.present is False
    assert proof.detail == "1 of 3 pods from before are left, 2 are new"


@pytest.mark.parametrize(
    ("local", "way", "possible"),
    [(True, "127.0.0.1:8080", True), (False, "127.0.0.1:43210", False), (False, "10.0.0.7:30808", True)],
    ids=["local", "port-forward", "node's port"],
)
async def test_the_gateway_is_not_replaced_under_customers_who_come_through_one_of_its_pods(
    way: str, *, local: bool, possible: bool
) -> None:
    cluster = ScriptedController("gateway")
    async with cluster.site() as site:
        where = replace(site, cluster=replace(site.cluster, local=local), gateway=way)
        why = await RollingRestart(("gateway",)).impossible(where)
    assert (not why) is possible
    assert possible or "ARGOSY_GATEWAY=host:port" in why


async def test_a_removal_restarts_nothing() -> None:
    cluster = ScriptedController(*NAMES)
    async with cluster.site() as site:
        await RESTART.remove(site, await RESTART.plan(site))
    assert not cluster.written


async def test_the_control_ends_pods_at_once_and_is_undone_to_the_letter() -> None:
    cluster = ScriptedController(*NAMES)
    before = [cluster.deployment(name)["spec"] for name in NAMES]
    async with cluster.site() as site:
        memory = await RUDE.plan(site)
        await RUDE.inject(site, memory)
        assert (await RUDE.proof(site, memory)).present
        assert [cluster.deployment(name)["spec"]["strategy"] for name in NAMES] == [AT_ONCE, AT_ONCE, CAREFUL]
        await RUDE.remove(site, memory)
        assert (await RUDE.proof(site, memory)).present is False
    assert [cluster.deployment(name)["spec"] for name in NAMES] == before


async def test_what_somebody_has_set_meanwhile_is_left() -> None:
    cluster = ScriptedController(*NAMES)
    async with cluster.site() as site:
        memory = await RUDE.plan(site)
        await RUDE.inject(site, memory)
        cluster.edit("deployments", "cart-v1", lambda found: found["spec"].update(strategy={"type": "Recreate"}))
        await RUDE.remove(site, memory)
    kept = [cluster.deployment(name)["spec"]["strategy"] for name in NAMES[:2]]
    assert kept == [{"type": "Recreate"}, CAREFUL]
