"""What do a journal's entries come to?"""

from __future__ import annotations

from dataclasses import replace

from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import BEFORE_THE_FIRST, Action, Phase, State, Wish, fold
from mesh.canary.judge.verdict import Outcome
from tests.canary.journal.entries import BLOCK, Written, applied, journal, ruled, write

AT_THE_FIRST = (write("shift", 0, v1=95, v2=5), applied("shift", 0, v1=95, v2=5))
SEEN = (Kind.OBSERVED, {"step": 0, "share": 5.0, "requests": 200})
GATE = {"step": 0, "gate": "manual", "output": ""}
WAITING = (Kind.GATE, {**GATE, "outcome": "waiting"})
APPROVAL = (Kind.REQUESTED, {"what": "approve", "reason": "the smoke test passed"})


def _folded(*written: Written) -> State:
    return fold(journal(*written))


def test_a_run_begins_before_its_first_step_with_all_traffic_at_the_baseline() -> None:
    state = _folded()
    assert (state.phase, state.step, state.weights, state.share) == (
        Phase.RUNNING,
        BEFORE_THE_FIRST,
        {"v1": 100, "v2": 0},
        0,
    )


def test_an_intent_alone_moves_nothing() -> None:
    state = _folded(AT_THE_FIRST[0])
    assert (state.step, state.share) == (BEFORE_THE_FIRST, 0)
    assert state.pending is not None
    assert state.pending.after == {"v1": 95, "v2": 5}


def test_what_was_applied_is_the_step_and_its_weight() -> None:
    state = _folded(*AT_THE_FIRST)
    assert (state.step, state.share, state.pending, state.progress.since) == (0, 5, None, 102.0)


def test_a_new_step_begins_without_ruling_gates_and_silence() -> None:
    state = _folded(
        *AT_THE_FIRST, SEEN, (Kind.BLOCK, BLOCK), ruled("better-or-equal"), WAITING,
        (Kind.GATE, {**GATE, "outcome": "passed"}), (Kind.NODATA, {"step": 0, "why": "…"}),
        write("shift", 1, v1=90, v2=10), applied("shift", 1, v1=90, v2=10),
    )  # fmt: skip
    assert state.progress == replace(State().progress, since=state.at)
    assert len(state.blocks) == 1, "the judge looks at all of the run's blocks"


def test_a_block_is_unjudged_until_it_is_judged() -> None:
    assert _folded(*AT_THE_FIRST, (Kind.BLOCK, BLOCK)).progress.unjudged
    assert not _folded(*AT_THE_FIRST, (Kind.BLOCK, BLOCK), ruled("worse")).progress.unjudged


def test_silence_is_counted_until_there_is_a_block() -> None:
    silence = (Kind.NODATA, {"step": 0, "why": "nobody answers"})
    assert _folded(*AT_THE_FIRST, silence, silence).progress.silent == 2
    assert _folded(*AT_THE_FIRST, silence, silence, (Kind.BLOCK, BLOCK)).progress.silent == 0


def test_a_shift_that_did_not_happen_takes_the_ruling_that_led_to_it_along() -> None:
    state = _folded(
        *AT_THE_FIRST, SEEN, (Kind.BLOCK, BLOCK), ruled("better-or-equal"),
        write("shift", 1, v1=90, v2=10), applied("shift", 1, done=False, v1=95, v2=5),
    )  # fmt: skip
    assert (state.step, state.share) == (0, 5)
    assert (state.progress.ruling, state.progress.observed_at) == (None, 0.0)


def test_a_promotion_that_did_not_happen_is_no_goal_any_more() -> None:
    lost = _folded(*AT_THE_FIRST, write("promote", 0, v1=0, v2=100), applied("promote", 0, done=False, v1=95, v2=5))
    assert lost.goal is None


def test_a_rollback_that_did_not_happen_stays_the_goal() -> None:
    lost = _folded(*AT_THE_FIRST, write("rollback", 0, v1=100, v2=0), applied("rollback", 0, done=False, v1=95, v2=5))
    assert (lost.goal, lost.goal_reason) == (Action.ROLL_BACK, "because")


def test_a_gate_is_open_once_it_has_passed() -> None:
    assert list(_folded(*AT_THE_FIRST, WAITING).progress.waiting) == ["manual"]
    passed = _folded(*AT_THE_FIRST, WAITING, APPROVAL, (Kind.GATE, {**GATE, "outcome": "passed"}))
    assert set(passed.progress.passed) == {"manual"}
    assert not passed.progress.waiting
    assert not passed.wishes


def test_an_approval_before_anybody_asks_for_it_opens_no_later_gate() -> None:
    assert not _folded(*AT_THE_FIRST, APPROVAL).wishes
    assert _folded(*AT_THE_FIRST, WAITING, APPROVAL).wished(Wish.APPROVE)


def test_a_resumed_run_has_its_time_and_its_silence_anew_but_not_its_blocks() -> None:
    state = _folded(
        *AT_THE_FIRST, SEEN, (Kind.BLOCK, BLOCK), ruled("not enough evidence"), (Kind.NODATA, {"step": 0, "why": "…"}),
        (Kind.PAUSED, {"reason": "lunch"}), (Kind.RESUMED, {"unattended": False}),
    )  # fmt: skip
    progress = state.progress
    assert (state.phase, progress.since, progress.observed_at, progress.silent) == (Phase.RUNNING, state.at, 0.0, 0)
    assert (len(state.blocks), progress.ruling and progress.ruling.outcome) == (1, Outcome.NOT_ENOUGH)


def test_a_pause_answers_what_was_asked_for() -> None:
    asked = (Kind.REQUESTED, {"what": "pause", "reason": "lunch"})
    assert _folded(*AT_THE_FIRST, asked).wished(Wish.PAUSE)
    assert not _folded(*AT_THE_FIRST, asked, (Kind.PAUSED, {"reason": "lunch"})).wishes


def test_who_resumes_may_allow_weights_without_a_watchdog() -> None:
    assert not _folded((Kind.PAUSED, {"reason": ""}), (Kind.RESUMED, {"unattended": False})).unattended
    assert _folded((Kind.PAUSED, {"reason": ""}), (Kind.RESUMED, {"unattended": True})).unattended


def test_an_end_is_told_with_its_exit_code() -> None:
    state = _folded((Kind.ENDED, {"outcome": "rolled-back", "reason": "it is worse", "exit_code": 10}))
    assert (state.phase, state.outcome, state.exit_code, state.reason) == (
        Phase.ENDED,
        "rolled-back",
        10,
        "it is worse",
    )
