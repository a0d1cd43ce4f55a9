"""Is what an operator asks for done by who has the run in hand, or by the one who asks when nobody has?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.state import Phase, Wish
from mesh.canary.plan import parse
from mesh.canary.problems import Held, NoRun, Refused
from mesh.canary.run.place import Bell, Place
from mesh.canary.run.requests import obey, rollback_now
from mesh.canary.run.resuming import resume
from tests.canary.journal.entries import STARTED, applied, write
from tests.canary.run.shop import MAPS, ROUTES, Shop, shop

PLAN = parse("{block: 1, steps: [{weight: 10, at_least: 2}, {weight: 50, at_least: 2}]}")
SLOWLY = parse("{steps: [{weight: 10, at_least: 6000, max_wait: 6000}]}")
BERTA = "berta@desk pid 2"
BACK, OVER = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}
AT_10 = (write("shift", 0, v1=90, v2=10), applied("shift", 0, v1=90, v2=10))


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(tmp_path) as made:
        yield made


def _left(catalog: Shop, *written: Any, **weights: int) -> None:
    """What a process that is no more has left in the cluster."""
    given = (Kind.STARTED, {**STARTED, "plan": PLAN.model_dump(mode="json")})
    entries: list[Entry] = []
    for kind, facts in (given, *written):
        last = entries[-1] if entries else None
        entries.append(Entry.after(last, at=990.0, run="r1", kind=kind, by="anna@laptop pid 1", facts=facts))
    catalog.api.put(
        MAPS,
        {
            "metadata": {
                "name": "canary-catalog",
                "labels": {"argosy/canary": "catalog"},
                "annotations": {"argosy/run": "r1"},
            },
            "data": {f"e{entry.n:06d}": entry.line() for entry in entries},
        },
    )
    _set(catalog, **weights)


def _set(catalog: Shop, **weights: int) -> None:
    def edit(document: dict[str, Any]) -> None:
        for destination in document["spec"]["http"][-1]["route"]:
            destination["weight"] = weights.get(destination["destination"]["subset"], 0)

    catalog.api.edit(ROUTES, "catalog", edit)


def _of(catalog: Shop, by: str) -> Place:
    """The same place, at another desk."""
    return replace(catalog.place, by=by, bell=Bell(), listeners=(), folder=None)


@pytest.mark.parametrize(
    ("wish", "weights"), [(Wish.ROLL_BACK, BACK), (Wish.PROMOTE, OVER), (Wish.PAUSE, {"v1": 90, "v2": 10})]
)
async def test_who_has_the_run_in_hand_does_what_another_operator_asks(
    catalog: Shop, wish: Wish, weights: dict[str, int]
) -> None:
    running = asyncio.create_task(catalog.start(SLOWLY))
    await _is_at_10(catalog)
    state = await obey(_of(catalog, BERTA), wish, "because")
    assert (await running).phase is state.phase
    assert catalog.route.weights == weights
    asked = next(entry for entry in catalog.heard.entries if entry.kind is Kind.REQUESTED)
    assert (asked.by, asked.facts) == (BERTA, {"what": wish, "reason": "because"})


async def test_the_second_operator_is_refused_with_the_firsts_name(catalog: Shop) -> None:
    running = asyncio.create_task(catalog.start(SLOWLY))
    await _is_at_10(catalog)
    with pytest.raises(Held, match="anna@laptop pid 1 run r1"):
        await resume(_of(catalog, BERTA))
    await obey(_of(catalog, BERTA), Wish.ROLL_BACK, "")
    await running


async def test_at_once_means_before_anybody_is_asked(catalog: Shop) -> None:
    running = asyncio.create_task(catalog.start(SLOWLY))
    await _is_at_10(catalog)
    state = await rollback_now(_of(catalog, BERTA), "it burns")
    assert (state.outcome, (await running).outcome) == ("rolled-back", "rolled-back")
    assert (catalog.route.weights, catalog.route.header_rule) == (BACK, None)
    assert state.reason == f"{BERTA} asked to roll back: it burns (at once)"


@pytest.mark.parametrize(("wish", "weights"), [(Wish.ROLL_BACK, BACK), (Wish.PROMOTE, OVER)])
async def test_when_nobody_has_the_run_in_hand_it_is_done_here(
    catalog: Shop, wish: Wish, weights: dict[str, int]
) -> None:
    _left(catalog, *AT_10, v1=90, v2=10)
    state = await obey(_of(catalog, BERTA), wish, "")
    assert (state.phase, catalog.route.weights) == (Phase.ENDED, weights)
    assert (MAPS, "canary-catalog") not in catalog.api.objects


async def test_a_paused_run_can_be_taken_back(catalog: Shop) -> None:
    _left(catalog, *AT_10, (Kind.PAUSED, {"reason": "lunch"}), v1=90, v2=10)
    assert (await obey(_of(catalog, BERTA), Wish.PAUSE, "")).phase is Phase.PAUSED
    assert (await obey(_of(catalog, BERTA), Wish.ROLL_BACK, "")).outcome == "rolled-back"


async def test_nothing_that_waits_can_be_approved(catalog: Shop) -> None:
    _left(catalog, *AT_10, v1=90, v2=10)
    with pytest.raises(Refused, match="no gate"):
        await obey(_of(catalog, BERTA), Wish.APPROVE, "")


async def test_after_a_promotion_a_rollback_is_a_run_of_its_own(catalog: Shop) -> None:
    await catalog.start(PLAN)
    assert catalog.route.weights == OVER
    state = await obey(_of(catalog, BERTA), Wish.ROLL_BACK, "customers complain")
    assert (state.outcome, state.exit_code, catalog.route.weights) == ("rolled-back", 10, BACK)
    assert len(await catalog.place.journals.runs()) == 2


async def test_a_rollback_of_what_is_back_changes_nothing(catalog: Shop) -> None:
    _left(catalog, *AT_10, v1=90, v2=10)
    first = await obey(_of(catalog, BERTA), Wish.ROLL_BACK, "")
    written = len(catalog.api.written)
    assert await obey(_of(catalog, BERTA), Wish.ROLL_BACK, "") == first
    assert len(catalog.api.written) == written


async def test_weights_that_no_run_has_left_are_overwritten_only_at_once(catalog: Shop) -> None:
    _left(catalog, (Kind.ENDED, {"outcome": "drifted", "reason": "…", "exit_code": 20}), v1=70, v2=30)
    with pytest.raises(Refused, match="--now"):
        await obey(_of(catalog, BERTA), Wish.ROLL_BACK, "")
    state = await rollback_now(_of(catalog, BERTA), "")
    assert (state.outcome, catalog.route.weights) == ("rolled-back", BACK)


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.PROMOTE, Wish.ROLL_BACK, Wish.APPROVE])
async def test_without_any_run_nothing_can_be_asked(catalog: Shop, wish: Wish) -> None:
    with pytest.raises(NoRun):
        await obey(_of(catalog, BERTA), wish, "")


async def test_a_killed_run_is_resumed_where_its_journal_ends(catalog: Shop) -> None:
    _left(catalog, *AT_10, write("shift", 1, v1=50, v2=50), v1=50, v2=50)
    state = await resume(catalog.place)
    assert (state.outcome, catalog.route.weights) == ("promoted", OVER)
    assert catalog.heard.kinds[:2] == [Kind.RESUMED, Kind.APPLIED]


async def test_a_run_that_had_ended_is_put_away_and_says_how_it_ended(catalog: Shop) -> None:
    _left(catalog, (Kind.ENDED, {"outcome": "promoted", "reason": "it is as good", "exit_code": 0}), v2=100)
    for _ in range(2):
        assert (await resume(catalog.place)).outcome == "promoted"
    assert [name for kind, name in catalog.api.objects if kind == MAPS] == ["canary-catalog-r1"]
    assert not catalog.heard.entries


async def test_without_a_run_there_is_nothing_to_resume(catalog: Shop) -> None:
    with pytest.raises(NoRun, match="start"):
        await resume(catalog.place)


async def test_who_takes_a_run_over_says_so_in_the_journal(catalog: Shop) -> None:
    _left(catalog, *AT_10, v1=90, v2=10)
    await resume(catalog.place, steal="her laptop is asleep")
    stolen = catalog.heard.facts(Kind.STOLEN)
    assert [facts["reason"] for facts in stolen] == ["her laptop is asleep"]


async def _is_at_10(catalog: Shop) -> None:
    while not catalog.heard.facts(Kind.OBSERVED):
        await asyncio.sleep(0)
