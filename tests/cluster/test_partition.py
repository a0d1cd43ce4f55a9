"""What if a node is alone? Nobody reaches it, it reaches nobody, and its pods run on."""

from __future__ import annotations

import asyncio
import os
import subprocess

import pytest

from mesh.running_shop import Shop
from tests.cluster import nodes
from tests.cluster.conftest import SERVICES
from tests.cluster.crowd import failures, shopping
from tests.end_to_end.conftest import argosy, eventually

PARTITION, HEAL = "ARGOSY_PARTITION", "ARGOSY_HEAL"
BOUND = 0.2  # of the calls of those who look, until the cluster knows the node is away


@pytest.fixture
def victim(cluster: None) -> str:
    """A node that the shop's own pods share with nobody, and how to cut it off is known."""
    if not (os.environ.get(PARTITION) and os.environ.get(HEAL)):
        pytest.skip(f"needs two shell commands, {PARTITION} and {HEAL}; $NODE in them is the node's name")
    chosen = nodes.name(nodes.cuttable())
    nodes.move_others_off(chosen)
    return chosen


def command(variable: str, node: str) -> None:
    subprocess.run(["sh", "-c", os.environ[variable]], check=True, env={**os.environ, "NODE": node}, timeout=60)


@pytest.fixture
def gateway_elsewhere(victim: str, pairs: None) -> None:
    """No gateway on that node: a customer whose own connection is cut hears nothing more of anybody."""
    argosy("kubectl", "cordon", victim)
    try:
        for pod in nodes.pods_on(victim, "app=gateway"):
            assert argosy("kubectl", "-n", "shop", "delete", "pod", pod).code == 0
        eventually("gateway", lambda: nodes.pods_on(victim, "app=gateway"), set())
    finally:
        argosy("kubectl", "uncordon", victim)


async def test_a_partitioned_node_costs_few_calls_and_none_once_it_is_known(
    victim: str, gateway_elsewhere: None, shop: Shop
) -> None:
    assert nodes.pods_on(victim, "app=catalog,version=v1")
    async with shopping(nodes.entrance(avoiding=victim)) as crowd:
        await asyncio.to_thread(command, PARTITION, victim)
        try:
            await asyncio.to_thread(eventually, "the node's state", lambda: nodes.ready(victim), wanted=False)
            await crowd.go_on()
            known = crowd.browsing.report().samples[-1].ended
            await crowd.go_on(250)
            during = crowd.browsing.report()
        finally:
            await asyncio.to_thread(command, HEAL, victim)
        await asyncio.to_thread(eventually, "the node's state", lambda: nodes.ready(victim), wanted=True)
        for deployment in SERVICES:
            await shop.rolled_out(deployment)
        await crowd.go_on()
        healed = crowd.browsing.report().samples[-1].ended
        await crowd.go_on(250)
    assert len(during.failures) <= BOUND * len(during.samples), failures(during)
    assert failures(during.between(known)) == []
    for load in (crowd.browsing, crowd.ordering):
        assert failures(load.report().between(healed)) == []
    audited = argosy("audit", "--json")
    assert audited.code == 0, audited.out + audited.err
