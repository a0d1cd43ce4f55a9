"""What does a run do next, seeing what it sees?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import Action, Phase, State, Wish
from mesh.canary.judge.verdict import Outcome
from mesh.canary.plan import Plan, parse
from mesh.canary.run.moves import (
    Answered,
    Ask,
    End,
    Judge,
    Measure,
    Move,
    Observe,
    Pause,
    Wait,
    Write,
    next_move,
)
from mesh.canary.run.sight import Answer, Health
from tests.canary.run.world import Killed, World

PLAN = parse("steps: [10, 50]")
GATED = parse("steps: [{weight: 10, gates: [manual, 'cmd:./smoke.sh']}, 50]")
BACK = {"v1": 100, "v2": 0}


def _at_step(plan: Plan = PLAN, step: int = 0) -> World:
    world = World(plan)
    world.begin()
    while world.state.step < step:
        world.step()
    return world


def _judged(world: World, outcome: Outcome) -> World:
    while not (world.state.progress.ruling and world.state.progress.ruling.outcome is outcome):
        world.step()
    return world


def _next(world: World) -> Move:
    return next_move(world.state, world.plan, world.see())


def _write(move: Move) -> tuple[Action, dict[str, int]]:
    assert isinstance(move, Write)
    return move.intent.action, dict(move.intent.after)


def test_the_header_route_comes_before_the_first_weight() -> None:
    world = _at_step(step=-1)
    assert _write(_next(world))[0] is Action.HEADER
    world.step()
    assert _write(_next(world)) == (Action.SHIFT, {"v1": 90, "v2": 10})


def test_a_step_is_observed_then_measured_then_judged() -> None:
    world = _at_step()
    assert isinstance(_next(world), Observe)
    world.step()
    assert isinstance(_next(world), Measure)
    world.step()
    assert isinstance(_next(world), Judge)


def test_not_enough_evidence_is_measured_on_and_never_promoted() -> None:
    world = _judged(_at_step(), Outcome.NOT_ENOUGH)
    assert isinstance(_next(world), Measure)
    world.now += PLAN.steps[0].max_wait
    move = _next(world)
    assert isinstance(move, Pause)
    assert "not enough evidence" in move.reason


def test_better_or_equal_goes_to_the_next_weight_and_at_the_last_to_all() -> None:
    assert _write(_next(_judged(_at_step(), Outcome.BETTER_OR_EQUAL))) == (Action.SHIFT, {"v1": 50, "v2": 50})
    assert _write(_next(_judged(_at_step(step=1), Outcome.BETTER_OR_EQUAL))) == (Action.PROMOTE, {"v1": 0, "v2": 100})


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        (Health(ready=0), "no pod of catalog v2 is Ready"),
        (Health(ready=1, trouble="catalog-v2-5d: CrashLoopBackOff"), "catalog-v2-5d: CrashLoopBackOff"),
    ],
)
def test_pods_that_do_not_run_are_a_reason_to_go_back(health: Health, reason: str) -> None:
    world = _at_step()
    world.health = health
    move = _next(world)
    assert _write(move) == (Action.ROLL_BACK, BACK)
    assert isinstance(move, Write)
    assert move.intent.reason == reason


def test_a_rollback_takes_the_header_route_along_and_ends() -> None:
    world = _at_step()
    world.ask(Wish.ROLL_BACK)
    assert [_write(world.step())[0] for _ in range(2)] == [Action.ROLL_BACK, Action.NO_HEADER]
    assert world.step() == End("rolled-back", "anna asked to roll back", 10)


def test_a_rollback_that_has_begun_ends_so_even_when_the_reason_has_passed() -> None:
    world = _at_step()
    world.health = Health(ready=0)
    world.step()
    world.health = Health(ready=2)
    assert world.run().outcome == "rolled-back"


def test_nothing_is_promoted_that_was_judged_worse_whoever_asks() -> None:
    world = World(PLAN, {0: Outcome.WORSE})
    world.begin()
    _judged(world, Outcome.WORSE)
    world.ask(Wish.PROMOTE)
    assert world.run().outcome == "rolled-back"


def test_drift_is_seen_before_anything_is_written() -> None:
    world = _judged(_at_step(), Outcome.BETTER_OR_EQUAL)
    world.weights = {"v1": 70, "v2": 30}
    move = _next(world)
    assert isinstance(move, End)
    assert (move.outcome, move.exit_code) == ("drifted", 20)


def test_drift_is_not_overwritten_by_a_rollback_that_was_asked_for() -> None:
    world = _at_step()
    world.ask(Wish.ROLL_BACK)
    world.weights = {"v1": 70, "v2": 30}
    move = _next(world)
    assert isinstance(move, End)
    assert move.outcome == "drifted"


def test_weights_that_a_rollback_at_once_has_set_are_its_doing_and_no_drift() -> None:
    world = _at_step()
    world.weights, world.header = dict(BACK), False
    assert isinstance(_next(world), End), "as long as nobody has said it"
    world.ask(Wish.ROLL_BACK)
    assert world.run().outcome == "rolled-back"


def test_a_rollback_at_once_between_intent_and_write_is_no_drift_either() -> None:
    world = _judged(_at_step(), Outcome.BETTER_OR_EQUAL)
    world.killed_at = {world.chances + 2}
    with pytest.raises(Killed):
        world.step()
    world.weights, world.header = dict(BACK), False
    world.ask(Wish.ROLL_BACK)
    assert world.run().outcome == "rolled-back"


def test_a_version_without_requests_may_be_left_out_of_the_route() -> None:
    world = _at_step(step=-1)
    world.weights = {"v1": 100}
    assert _write(_next(world))[0] is Action.HEADER


def test_lost_metrics_pause_at_a_safe_weight_and_go_back_above_it() -> None:
    for step, expected in ((0, Phase.PAUSED), (1, Phase.ENDED)):
        world = _at_step(step=step)
        world.data = False
        assert world.run().phase is expected


def test_silence_is_borne_for_as_many_blocks_as_the_plan_says() -> None:
    world = _at_step()
    world.data = False
    assert "no data" in world.run().reason
    assert [entry.kind for entry in world.journal].count(Kind.NODATA) == PLAN.no_data


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_version_replaced_under_the_run_makes_it_void(version: str) -> None:
    world = _at_step()
    world.state = replace(world.state, images={"v1": "argosy:1", "v2": "argosy:1"})
    world.health = Health(ready=2, images={"v1": "argosy:1", "v2": "argosy:1", version: "argosy:2"})
    move = _next(world)
    assert isinstance(move, Write)
    assert f"{version} has been replaced" in move.intent.reason


def test_a_block_that_came_while_a_gate_waited_is_judged_before_the_gate_opens() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    world.step()
    world.step()
    world.ask(Wish.APPROVE)
    assert isinstance(_next(world), Judge)


def test_a_gate_that_waits_does_not_use_up_the_steps_time() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    world.step()
    world.now = world.state.progress.since + GATED.steps[0].max_wait + 1
    patient = replace(world.state.progress, waiting={"manual": world.now})
    world.state = replace(world.state, progress=patient)
    assert isinstance(_next(world), Measure)


def test_gates_are_asked_one_after_the_other_and_the_canary_is_watched_meanwhile() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    assert isinstance(world.step(), Ask)
    assert isinstance(_next(world), Measure)
    world.ask(Wish.APPROVE)
    assert world.step() == Answered("manual", Answer(passed=True, output=""), "anna")
    asked = world.step()
    assert isinstance(asked, Ask)
    assert asked.gate.command == "./smoke.sh"
    world.answers = {"cmd:./smoke.sh": Answer(passed=True, output="fine")}
    assert isinstance(world.step(), Answered)
    assert _write(_next(world)) == (Action.SHIFT, {"v1": 50, "v2": 50})


def test_a_gate_that_does_not_agree_is_a_pause_and_never_a_promotion() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    world.step()
    world.ask(Wish.APPROVE)
    world.answers = {"cmd:./smoke.sh": Answer(passed=False, output="2 of 3 pages are empty")}
    state = world.run()
    assert (state.phase, world.weights["v2"]) == (Phase.PAUSED, 10)
    assert "cmd:./smoke.sh" in state.reason


def test_a_gate_nobody_answers_is_a_pause() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    world.step()
    world.now += GATED.steps[0].gates[0].timeout + 1
    move = _next(world)
    assert isinstance(move, Pause)
    assert "not answered" in move.reason


def test_a_canary_that_turns_out_worse_while_a_gate_waits_goes_back() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    world.step()
    world.rulings = {0: Outcome.WORSE}
    assert world.run().outcome == "rolled-back"


def test_a_resumed_run_asks_its_gates_again() -> None:
    world = _judged(_at_step(GATED), Outcome.BETTER_OR_EQUAL)
    world.step()
    world.ask(Wish.PAUSE)
    world.step()
    assert world.state.phase is Phase.PAUSED
    world.write(Kind.RESUMED, unattended=False)
    while not isinstance(_next(world), Ask):
        world.step()


@pytest.mark.parametrize(("guarded", "expected"), [(False, Pause), (None, Wait), (True, Write)])
def test_more_than_the_unattended_weight_needs_a_watchdog(guarded: bool | None, expected: type[Move]) -> None:
    world = _judged(_at_step(), Outcome.BETTER_OR_EQUAL)
    sight = replace(world.see(), guarded=guarded)
    assert isinstance(next_move(world.state, PLAN, sight), expected)


def test_as_much_as_that_needs_none() -> None:
    sight = replace(_at_step(step=-1).see(), guarded=None, header=True)
    assert isinstance(next_move(_at_step(step=-1).state, PLAN, sight), Write)


@pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.ENDED])
def test_a_run_that_nobody_runs_makes_no_move(phase: Phase) -> None:
    with pytest.raises(ValueError, match="no move"):
        next_move(State(phase=phase), PLAN, World().see())
