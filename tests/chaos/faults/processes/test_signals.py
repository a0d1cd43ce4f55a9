"""What is killed or frozen is one pod's process, the kernel is asked whether it is, and thawing is safe at any time."""

from __future__ import annotations

import signal

import pytest

from mesh.chaos.faults.processes.frozen import Frozen
from mesh.chaos.faults.processes.killed import Killed
from mesh.chaos.problems import NotInjected
from mesh.chaos.run.proving import proof_of
from tests.chaos.faults.processes.scripted_pods import ScriptedPods

pytestmark = pytest.mark.processes


async def test_one_pods_process_is_killed_and_seen_to_be_dead(pods: ScriptedPods) -> None:
    pods.add("catalog-v1-a")
    pods.add("catalog-v1-b")
    fault = Killed("catalog-v1")
    async with pods.site() as site:
        memory = await fault.plan(site)
        assert (await fault.proof(site, memory)).present is False

        await fault.inject(site, memory)
        assert pods.running["catalog-v1-a"].wait() == -signal.SIGKILL
        assert (await fault.proof(site, memory)).present is True
        assert pods.running["catalog-v1-b"].poll() is None


async def test_the_pod_that_was_hurt_least_is_hit(pods: ScriptedPods) -> None:
    """Kubernetes waits the longer with a container the more often it has ended."""
    pods.add("catalog-v1-a", restarts=1)
    pods.add("catalog-v1-b")
    async with pods.site() as site:
        memory = await Killed("catalog-v1").plan(site)
    assert [one["name"] for one in memory["pods"]] == ["catalog-v1-b"]


async def test_a_fault_without_enough_pods_is_not_injected(pods: ScriptedPods) -> None:
    pods.add("catalog-v1-a")
    async with pods.site() as site:
        with pytest.raises(NotInjected, match="catalog-v1 has 1 pods that are Ready, and 2 are to be hit"):
            await Frozen("catalog-v1", pods=2).plan(site)


async def test_a_frozen_process_is_stopped_until_it_is_removed(pods: ScriptedPods) -> None:
    pods.add("catalog-v1-a")
    fault = Frozen("catalog-v1")
    async with pods.site() as site:
        memory = await fault.plan(site)
        assert (await fault.proof(site, memory)).present is False
        await fault.inject(site, memory)
        assert (await proof_of(fault, site, memory, present=True)).present is True

        await fault.remove(site, memory)
        await fault.remove(site, memory)
        assert (await proof_of(fault, site, memory, present=False)).present is False
        assert pods.running["catalog-v1-a"].poll() is None


async def test_thawing_what_has_ended_meanwhile_is_done_with(pods: ScriptedPods) -> None:
    pods.add("catalog-v1-a")
    fault = Frozen("catalog-v1")
    async with pods.site() as site:
        memory = await fault.plan(site)
        await fault.inject(site, memory)
        pods.running["catalog-v1-a"].kill()
        pods.running["catalog-v1-a"].wait()
        await fault.remove(site, memory)
        assert (await fault.proof(site, memory)).present is False


async def test_elsewhere_a_pod_that_does_not_share_its_processes_cannot_be_hit(pods: ScriptedPods) -> None:
    pods.add("catalog-v1-a")
    async with pods.site(local=False) as site:
        assert "shareProcessNamespace" in await Killed("catalog-v1").impossible(site)
        pods.api.edit("pods", "catalog-v1-a", lambda one: one["spec"].update(shareProcessNamespace=True))
        assert await Killed("catalog-v1").impossible(site) == ""
        assert await Killed("cart-v1").impossible(site) == "there is no Deployment cart-v1"
