"""Does a run end the same however often it is killed, at whichever of its writes?

Each write, into the journal or the route, can die before it is made and after; then another process folds the journal,
looks at the live route, and goes on.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import Phase, Wish, fold
from mesh.canary.judge.verdict import Outcome
from mesh.canary.plan import Plan, parse
from mesh.canary.run.moves import Settle, Write, next_move
from tests.canary.run.world import Killed, World

SHORT = parse("steps: [5, 25]")
ENDS = {
    "promoted": {},
    "rolled-back at the first step": {0: Outcome.WORSE},
    "rolled-back at the second step": {1: Outcome.WORSE},
}


def _end(world: World) -> tuple[object, ...]:
    state = world.run()
    return state.phase, state.outcome, state.exit_code, state.reason, state.weights, world.weights, world.header


@pytest.mark.parametrize("rulings", ENDS.values(), ids=ENDS)
def test_rule_33_killed_once_at_any_write_it_ends_the_same(rulings: dict[int, Outcome]) -> None:
    whole = World(SHORT, rulings)
    expected = _end(whole)
    assert whole.chances > 30, "or there is nothing to be killed at"
    for moment in range(whole.chances):
        world = World(SHORT, rulings, killed_at={moment})
        assert _end(world) == expected, f"killed at {moment}"
        assert world.highest == whole.highest


@given(st.sets(st.integers(0, 150), max_size=40), st.sampled_from(list(ENDS.values())))
@settings(deadline=None, max_examples=60)
def test_killed_again_and_again_it_ends_the_same(moments: set[int], rulings: dict[int, Outcome]) -> None:
    world = World(SHORT, rulings, killed_at=moments)
    assert _end(world) == _end(World(SHORT, rulings))


@given(st.sets(st.integers(0, 150), max_size=20))
@settings(deadline=None, max_examples=30)
def test_a_rollback_that_was_asked_for_is_never_forgotten(moments: set[int]) -> None:
    world = _at_the_first_weight()
    world.ask(Wish.ROLL_BACK)
    world.killed_at = {world.chances + moment for moment in moments}
    assert (world.run().outcome, world.weights, world.header) == ("rolled-back", {"v1": 100, "v2": 0}, False)


@pytest.mark.parametrize("rulings", ENDS.values(), ids=ENDS)
def test_cut_anywhere_the_journal_and_the_live_weights_say_which_write_was_made(rulings: dict[int, Outcome]) -> None:
    whole = World(SHORT, rulings)
    whole.run()
    intents = [entry for entry in whole.journal if entry.kind is Kind.INTENT]
    assert len(intents) >= 4
    for entry in intents:
        state = fold(whole.journal[: entry.n])
        assert state.pending
        had, has = {"header": (False, True), "no-header": (True, False)}.get(entry.facts["action"], (True, True))
        before = World(SHORT, weights=dict(entry.facts["from"]), header=had)
        after = World(SHORT, weights=dict(entry.facts["to"]), header=has)
        assert next_move(state, SHORT, before.see()) == Settle(state.pending, done=False)
        assert next_move(state, SHORT, after.see()) == Settle(state.pending, done=True)


def test_a_weight_is_not_raised_on_a_retry_but_judged_again_first() -> None:
    world = _at_the_first_weight()
    while not _about_to_shift(world):
        world.step()
    world.killed_at = {world.chances + 2}  # the intent is kept, the route not written
    with pytest.raises(Killed):
        world.step()
    kinds = []
    while world.state.step == 0:
        world.step()
        kinds.append(world.journal[-1].kind)
    assert kinds == [Kind.APPLIED, Kind.OBSERVED, Kind.BLOCK, Kind.JUDGED, Kind.APPLIED]


def test_a_run_never_exceeds_the_plans_highest_weight_before_it_is_promoted() -> None:
    world = World(Plan(), rulings={len(Plan().steps) - 1: Outcome.WORSE})
    world.run()
    assert world.highest == max(step.weight for step in Plan().steps)


def test_a_process_that_resumes_a_run_that_has_ended_changes_nothing() -> None:
    world = World(SHORT)
    ended = world.run()
    journal = list(world.journal)
    assert world.run() == ended
    assert (world.journal, ended.phase) == (journal, Phase.ENDED)


def _at_the_first_weight() -> World:
    world = World(SHORT)
    world.begin()
    while world.state.step < 0:
        world.step()
    return world


def _about_to_shift(world: World) -> bool:
    return isinstance(next_move(world.state, world.plan, world.see()), Write)
