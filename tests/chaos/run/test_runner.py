from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mesh.chaos.experiment import Change, Experiment
from mesh.chaos.judging import Evidence
from mesh.chaos.observed import Event, Happened
from mesh.chaos.run import proving, runner, undoing
from mesh.chaos.run.phases import Step
from mesh.chaos.run.runner import Order, Runner
from mesh.chaos.run.stopping import Stop
from mesh.chaos.site import Site
from mesh.chaos.undo import FILE, LABEL, Planned, UndoLog, left_in, remembered
from mesh.suspended_job import JobImpossible
from tests.canary.kubernetes_api import KubernetesApi
from tests.chaos.run.door import door, told
from tests.chaos.run.watched import BALANCED, Watched
from tests.chaos.story import experiment as written

WHOLE = ["opened cellar", "opened attic", "opened front", "closed front", "closed attic", "closed cellar"]
"""A control run: prepared, without its protection, hurt, and back."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, seconds in (
        (runner, "WARM_UP", 0.0),
        (runner, "TICK", 0.005),
        (proving, "PATIENCE", 0.05),
        (proving, "LOOK_EVERY", 0.005),
        (undoing, "PATIENCE", 0.0),
        (undoing, "AGAIN_AFTER", 0.005),
    ):
        monkeypatch.setattr(module, name, seconds)


def experiment(*faults: Change, prepare: tuple[Change, ...] = (), seconds: float = 0.02) -> Experiment:
    """With these faults, in no time."""
    base = written()
    details = base.details.model_copy(
        update={"prepare": prepare, "steady_seconds": 0.01, "seconds": seconds, "recovery_seconds": 0.03}
    )
    [action] = base.method
    method = tuple(
        action.model_copy(update={"provider": action.provider.model_copy(update={"arguments": fault})})
        for fault in faults
    )
    return base.model_copy(update={"method": method, "extensions": (details,)})


class Tried:
    """One run in a house, and what is left of it."""

    def __init__(self, site: Site, house: Path) -> None:
        self.site, self.house, self.stop, self.watched = site, house, Stop(), Watched()
        self.log = UndoLog(site.client, house.parent, site.run, "shop")

    async def run(self, order: Order) -> Evidence:
        return await Runner(self.site, order, self.log, self.stop, self.watched.senses).run()

    async def control(self) -> Evidence:
        """The run whose doors WHOLE tells."""
        front, cellar, attic = (door(self.house, name) for name in ("front", "cellar", "attic"))
        return await self.run(Order(experiment(front, prepare=(cellar,)), (attic,)))

    async def left(self) -> tuple[list[str], tuple[Planned, ...], dict[str, tuple[Planned, ...]]]:
        """What stands open, and what somebody remembers."""
        doors = [path.name for path in self.house.iterdir() if path.name != "told"]
        return doors, left_in(self.house.parent / FILE), await remembered(self.site.client, "shop")

    def happens(self, moment: Happened | Step, stop: str) -> None:
        """Let somebody stop the run at that moment."""

        def at(event: Event) -> None:
            if moment in {event.kind, event.subject}:
                self.stop.now(stop)

        self.watched.at = at


NOTHING: tuple[list[str], tuple[Planned, ...], dict[str, tuple[Planned, ...]]] = ([], (), {})


@pytest.fixture
def tried(site: Site, house: Path) -> Tried:
    return Tried(site, house)


async def test_a_run_changes_and_undoes_in_reverse_order_and_gathers_everything(tried: Tried) -> None:
    evidence = await tried.control()
    assert told(tried.house) == WHOLE
    assert await tried.left() == NOTHING
    assert ([one.present for one in evidence.injected], [one.present for one in evidence.removed]) == ([True], [False])
    assert (evidence.audit, evidence.environment, evidence.leftovers) == (BALANCED, {"cores": 2}, ())
    assert (evidence.aborted, evidence.problem) == ("", "")


async def test_what_is_prepared_already_is_neither_done_nor_undone(tried: Tried) -> None:
    (tried.house / "cellar").touch()
    await tried.control()
    assert told(tried.house) == [line for line in WHOLE if "cellar" not in line]
    assert (await tried.left())[0] == ["cellar"]


async def test_the_timeline_tells_when_it_was_injected_proved_and_gone(tried: Tried) -> None:
    await tried.control()
    kinds = [event.kind for event in tried.watched.events if event.kind is not Happened.PHASE]
    assert kinds == [Happened.INJECTED, Happened.PROVEN, Happened.REMOVED, Happened.GONE]


async def test_the_phases_follow_each_other(tried: Tried) -> None:
    await tried.control()
    window = tried.watched.window
    assert window
    assert window.steady < window.injected < window.removed < window.ended


async def test_what_just_happens_is_over_when_it_has_happened(tried: Tried) -> None:
    slam = door(tried.house, fault="slam")
    evidence = await tried.run(Order(experiment(slam, seconds=0.2)))
    window = tried.watched.window
    assert window
    assert window.ended - window.removed >= 0.2 > window.removed - window.injected
    assert evidence.removed == ()


async def test_the_load_is_as_many_times_what_the_experiment_asks_for(tried: Tried) -> None:
    await tried.run(Order(experiment(door(tried.house)), factor=3))
    assert tried.watched.let_in
    assert (tried.watched.let_in.orders, tried.watched.let_in.patience) == (24, 2.5)


@pytest.mark.parametrize("moment", [Step.STEADY, Step.INJECT, Happened.INJECTED, Step.PROVE, Step.LAST, Step.RECOVER])
async def test_whenever_it_is_stopped_everything_is_undone(tried: Tried, moment: Step | Happened) -> None:
    tried.happens(moment, "Ctrl-C")
    evidence = await tried.control()
    assert (evidence.aborted, evidence.audit) == ("Ctrl-C", {})
    assert sorted(word.split()[1] for word in told(tried.house)) == sorted(
        2 * [word.split()[1] for word in told(tried.house) if word.startswith("opened")]
    )
    assert await tried.left() == NOTHING


async def test_a_guard_that_objects_ends_it(tried: Tried) -> None:
    order = Order(experiment(door(tried.house), seconds=60), watch=lambda _: "the budget is spent")
    assert (await tried.run(order)).aborted == "the budget is spent"
    assert await tried.left() == NOTHING


async def test_without_a_steady_state_nothing_is_injected(tried: Tried) -> None:
    tried.watched.failed = 20
    evidence = await tried.control()
    assert "steady state" in evidence.problem
    assert [check.holds for check in evidence.steady] == [False]
    assert told(tried.house) == ["opened cellar", "opened attic", "closed attic", "closed cellar"]


async def test_a_fault_that_nobody_can_see_proves_nothing_and_is_removed(tried: Tried) -> None:
    evidence = await tried.run(Order(experiment(door(tried.house, dark=True), seconds=60)))
    assert "nothing proves" in evidence.problem
    assert [proof.present for proof in evidence.injected] == [None]
    assert told(tried.house) == ["opened door", "closed door"]


async def test_a_fault_that_cannot_be_injected_is_undone_with_those_that_were(tried: Tried) -> None:
    evidence = await tried.run(Order(experiment(door(tried.house, "front"), door(tried.house, "back", jams=True))))
    assert evidence.problem == "the door jams"
    assert await tried.left() == NOTHING
    assert told(tried.house)[-2:] == ["closed back", "closed front"]


async def test_what_cannot_be_undone_is_named_and_stays_remembered(tried: Tried) -> None:
    evidence = await tried.run(Order(experiment(door(tried.house, "front"), door(tried.house, "back", sticks=True))))
    assert evidence.leftovers == ("door is not undone: the door sticks",)
    doors, left, there = await tried.left()
    assert (doors, [one.number for one in left], list(there)) == (["back"], [1], [tried.site.run])


async def test_an_object_that_a_fault_forgot_is_named(tried: Tried, api: KubernetesApi) -> None:
    api.put("envoyfilters", {"metadata": {"name": "forgotten", "labels": {LABEL: tried.site.run}}})
    assert (await tried.control()).leftovers == ("EnvoyFilter forgotten was left in the cluster",)


async def test_when_the_load_itself_breaks_everything_is_undone_before_that_is_said(tried: Tried) -> None:
    tried.watched.breaks = RuntimeError("a bug in the generator")
    with pytest.raises(RuntimeError, match="a bug in the generator"):
        await tried.control()
    assert told(tried.house) == WHOLE
    assert await tried.left() == NOTHING


async def test_books_that_cannot_be_read_are_a_problem_of_the_run(tried: Tried) -> None:
    tried.watched.audit = JobImpossible("no auditor")
    assert (await tried.control()).problem == "no auditor"


async def test_an_auditor_that_needs_what_was_taken_away_is_asked_again(
    tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def audited(_: Site) -> Mapping[str, Any]:
        if await tried.left() != NOTHING:
            raise JobImpossible("no certificate")
        return BALANCED

    monkeypatch.setattr(tried.watched, "_audited", audited)
    evidence = await tried.control()
    assert (evidence.problem, evidence.audit) == ("", BALANCED)


async def test_a_shop_that_does_not_get_well_is_not_waited_for_for_ever(tried: Tried) -> None:
    tried.watched.well = 0.0
    assert (await tried.control()).problem == ""
