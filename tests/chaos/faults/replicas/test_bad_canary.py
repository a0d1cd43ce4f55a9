"""A bad version is released by the canary; without a judge nobody finds out."""

from __future__ import annotations

import pytest

from mesh.canary.journal.entry import Entry
from mesh.canary.journal.entry import Kind as Of
from mesh.canary.judge.verdict import Outcome, judge
from mesh.canary.plan import parse
from mesh.chaos.faults.replicas.bad_canary import BadCanary
from mesh.chaos.faults.replicas.unjudged_canary import UnjudgedCanary, plan_for
from mesh.chaos.problems import NotInjected
from mesh.chaos.undo import LABEL
from tests.canary.journal.entries import applied, journal
from tests.canary.judge.traffic import block, counts
from tests.chaos.faults.replicas.scripted_controller import RUN, ScriptedController

CANARY = BadCanary("catalog")
UNJUDGED = UnjudgedCanary("catalog")
AWFUL = [block(counts(50), counts(50, errors=35), weight=50)] * 20
ENDED = Of.ENDED, {"outcome": "rolled-back", "reason": "worse", "exit_code": 10}


def routed(cluster: ScriptedController, **weights: int) -> None:
    route = [
        {"destination": {"host": "catalog", "subset": version}, "weight": each} for version, each in weights.items()
    ]
    document = {"metadata": {"name": "catalog"}, "spec": {"http": [{"name": "primary", "route": route}]}}
    cluster.put("virtualservices", document)


def kept(cluster: ScriptedController, entries: list[Entry]) -> None:
    """The journal of a run."""
    metadata = {"name": "canary-catalog", "annotations": {"argosy/run": "r1"}, "labels": {"argosy/canary": "catalog"}}
    data = {f"e{entry.n:06d}": entry.line() for entry in entries}
    cluster.put("configmaps", {"metadata": metadata, "data": data})


@pytest.fixture
def cluster() -> ScriptedController:
    cluster = ScriptedController("catalog-v1", "catalog-v2")
    routed(cluster, v1=100, v2=0)
    return cluster


async def test_it_is_proved_by_the_journal_also_when_it_is_over(cluster: ScriptedController) -> None:
    async with cluster.site() as site:
        memory = await CANARY.plan(site)
        assert (await CANARY.proof(site, memory)).present is False
        kept(cluster, journal(applied("header", 0, v1=100, v2=0)))
        assert (await CANARY.proof(site, memory)).present is False
        kept(cluster, journal(applied("shift", 0, v1=75, v2=25), applied("rollback", 0, v1=100, v2=0), ENDED))
        assert (await CANARY.proof(site, memory)).present


async def test_an_earlier_canary_proves_nothing(cluster: ScriptedController) -> None:
    kept(cluster, journal(applied("shift", 0, v1=75, v2=25), ENDED))
    async with cluster.site() as site:
        assert (await CANARY.proof(site, await CANARY.plan(site))).present is False


async def test_what_is_over_or_somebody_elses_is_not_rolled_back(cluster: ScriptedController) -> None:
    async with cluster.site() as site:
        memory = await CANARY.plan(site)
        await CANARY.remove(site, memory)
        kept(cluster, journal(applied("shift", 0, v1=75, v2=25), ENDED))
        await CANARY.remove(site, memory)
        kept(cluster, journal(applied("shift", 0, v1=75, v2=25)))
        await CANARY.remove(site, {"runs": ["r1"]})
    assert not cluster.written


async def test_no_canary_begins_where_one_was_left(cluster: ScriptedController) -> None:
    routed(cluster, v1=90, v2=10)
    async with cluster.site() as site:
        memory = await CANARY.plan(site)
        with pytest.raises(NotInjected, match="v1 90 %"):
            await CANARY.inject(site, memory)


@pytest.mark.processes
async def test_a_canary_that_ends_without_a_beginning_is_told_with_its_last_words(cluster: ScriptedController) -> None:
    async with cluster.site() as site:  # its kubeconfig is nowhere
        memory = await CANARY.plan(site)
        with pytest.raises(NotInjected, match=r"exit code 30: .*kubeconfig not found"):
            await CANARY.inject(site, memory)
        await CANARY.remove(site, memory)


async def test_a_version_that_is_not_there_cannot_be_released(cluster: ScriptedController) -> None:
    async with cluster.site() as site:
        assert await CANARY.impossible(site) == ""
        assert "catalog-v3" in await BadCanary("catalog", canary="v3").impossible(site)


async def test_the_plan_finds_an_awful_version_and_the_controls_plan_never_does(cluster: ScriptedController) -> None:
    async with cluster.site() as site:
        judged = parse(await plan_for(site, "catalog"))
        await UNJUDGED.inject(site, await UNJUDGED.plan(site))
        unjudged = parse(await plan_for(site, "catalog"))
    assert judge(AWFUL[:1], judged.rules, judged.steps[0]).outcome is Outcome.WORSE
    assert judge(AWFUL, unjudged.rules, unjudged.steps[0]).outcome is Outcome.NOT_ENOUGH


async def test_what_the_control_leaves_for_the_canary_carries_the_runs_name(cluster: ScriptedController) -> None:
    async with cluster.site() as site:
        memory = await UNJUDGED.plan(site)
        await UNJUDGED.remove(site, memory)
        await UNJUDGED.inject(site, memory)
        assert (await UNJUDGED.proof(site, memory)).present
        [made] = [one for (plural, _), one in cluster.objects.items() if plural == "configmaps"]
        assert made["metadata"]["labels"] == {LABEL: RUN}
        await UNJUDGED.remove(site, memory)
        assert (await UNJUDGED.proof(site, memory)).present is False
