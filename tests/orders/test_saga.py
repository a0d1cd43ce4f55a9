"""The saga as a table, and as a model: every outcome at every step, from every progress that can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.orders.saga import (
    FINAL,
    FORWARD,
    INTERRUPTED,
    INVENTORY_UNAVAILABLE,
    MAX_RESERVATIONS,
    OUT_OF_TIME,
    PAYMENTS_UNAVAILABLE,
    RESERVATION_LOST,
    Outcome,
    Progress,
    Result,
    State,
    Step,
    after,
    begun,
    cancelled,
    given_up,
    interrupted,
    resumed,
)

DONE = Outcome(Result.DONE)
UNKNOWN = Outcome(Result.UNKNOWN)
LOST = Outcome(Result.LOST)
BACK = (Step.REFUND, Step.RELEASE)


def reached(*outcomes: tuple[Step, Outcome]) -> Progress:
    progress = begun()
    for step, outcome in outcomes:
        assert progress.next_step is step
        progress = after(progress, step, outcome)
    return progress


PENDING = begun()
RESERVED = reached((Step.RESERVE, DONE))
CHARGED = reached((Step.RESERVE, DONE), (Step.CHARGE, DONE))
CONFIRMED = reached((Step.RESERVE, DONE), (Step.CHARGE, DONE), (Step.COMMIT, DONE))


def test_the_way_forward_is_reserve_charge_commit() -> None:
    states = [progress.state for progress in (PENDING, RESERVED, CHARGED, CONFIRMED)]
    assert states == [State.PENDING, State.RESERVED, State.CHARGED, State.CONFIRMED]
    assert CONFIRMED.next_step is None


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(Result.REFUSED, "OUT_OF_STOCK"), "OUT_OF_STOCK"),
        (UNKNOWN, INVENTORY_UNAVAILABLE),
        (Outcome(Result.TOO_LATE), OUT_OF_TIME),
    ],
)
def test_before_the_charge_there_is_only_stock_to_give_back(outcome: Outcome, reason: str) -> None:
    assert after(PENDING, Step.RESERVE, outcome) == Progress(State.COMPENSATING, (Step.RELEASE,), reason)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(Result.REFUSED, "CARD_DECLINED"), "CARD_DECLINED"),
        (UNKNOWN, PAYMENTS_UNAVAILABLE),
        (Outcome(Result.TOO_LATE), OUT_OF_TIME),
    ],
)
def test_a_charge_that_was_sent_is_refunded_whatever_came_back(outcome: Outcome, reason: str) -> None:
    assert after(RESERVED, Step.CHARGE, outcome) == Progress(State.COMPENSATING, BACK, reason)


def test_a_key_charged_with_another_card_is_asked_about() -> None:
    assert after(RESERVED, Step.CHARGE, Outcome(Result.CONFLICT)).todo == (Step.INQUIRE, Step.COMMIT)


def test_once_paid_no_silence_turns_the_order_back() -> None:
    lost = after(CHARGED, Step.COMMIT, LOST)
    for result in (Result.UNKNOWN, Result.TOO_LATE):
        assert after(CHARGED, Step.COMMIT, Outcome(result)) == CHARGED
        assert after(lost, Step.RESERVE, Outcome(result)) == lost


def test_a_lost_reservation_of_a_paid_order_is_made_anew_under_another_key() -> None:
    lost = after(CHARGED, Step.COMMIT, LOST)
    assert lost == Progress(State.CHARGED, (Step.RESERVE, Step.COMMIT), reservation=2)
    assert after(lost, Step.RESERVE, DONE) == replace(CHARGED, reservation=2)


def test_a_paid_order_without_stock_is_refunded() -> None:
    lost = after(CHARGED, Step.COMMIT, LOST)
    back = after(lost, Step.RESERVE, Outcome(Result.REFUSED, "OUT_OF_STOCK"))
    assert (back.state, back.todo, back.reason) == (State.COMPENSATING, BACK, "OUT_OF_STOCK")


def test_reservations_that_are_lost_again_and_again_end_the_order() -> None:
    progress = CHARGED
    for _ in range(MAX_RESERVATIONS - 1):
        progress = after(after(progress, Step.COMMIT, LOST), Step.RESERVE, DONE)
    assert after(progress, Step.COMMIT, LOST) == Progress(
        State.COMPENSATING, BACK, RESERVATION_LOST, reservation=MAX_RESERVATIONS
    )


def test_without_the_card_an_uncharged_order_goes_back_and_a_charged_one_forward() -> None:
    assert interrupted(PENDING) == Progress(State.COMPENSATING, (Step.RELEASE,), INTERRUPTED)
    assert interrupted(RESERVED) == replace(RESERVED, todo=(Step.INQUIRE, Step.COMMIT))
    assert interrupted(CHARGED) == CHARGED


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (DONE, CHARGED),
        (Outcome(Result.ABSENT), Progress(State.COMPENSATING, BACK, INTERRUPTED)),
        (Outcome(Result.REFUSED, "CARD_DECLINED"), Progress(State.COMPENSATING, BACK, "CARD_DECLINED")),
        (UNKNOWN, interrupted(RESERVED)),
    ],
)
def test_payments_says_which_way_an_interrupted_order_goes(outcome: Outcome, expected: Progress) -> None:
    assert after(interrupted(RESERVED), Step.INQUIRE, outcome) == expected


def test_a_caller_who_comes_back_with_the_card_goes_on_where_it_was() -> None:
    assert resumed(interrupted(RESERVED)) == RESERVED
    assert resumed(PENDING) == PENDING
    assert resumed(CHARGED) == CHARGED


@pytest.mark.parametrize(
    ("progress", "owed"),
    [
        (PENDING, (Step.RELEASE,)),
        (RESERVED, BACK),
        (interrupted(RESERVED), BACK),
        (CHARGED, BACK),
        (after(CHARGED, Step.COMMIT, LOST), BACK),
        (CONFIRMED, BACK),
    ],
)
def test_a_cancelled_order_gives_everything_back_and_has_no_failure_reason(
    progress: Progress, owed: tuple[Step, ...]
) -> None:
    progress = cancelled(progress)
    assert (progress.state, progress.todo) == (State.COMPENSATING, owed)
    assert cancelled(progress) == progress
    for step in owed:
        assert given_up(progress)
        progress = after(progress, step, DONE)
    assert (progress.state, progress.todo, progress.reason) == (State.CANCELLED, (), "")


NOT_TO_CANCEL = [
    Progress(State.COMPENSATING, BACK, "CARD_DECLINED"),
    Progress(State.FAILED, (), "OUT_OF_STOCK"),
    Progress(State.CANCELLED, ()),
]


@pytest.mark.parametrize("progress", NOT_TO_CANCEL)
def test_an_order_that_comes_to_nothing_anyway_cannot_be_cancelled(progress: Progress) -> None:
    with pytest.raises(ValueError, match=progress.state.value):
        cancelled(progress)


def successors(progress: Progress) -> Iterator[tuple[str, Progress]]:
    if (step := progress.next_step) is not None:
        for result in Result:
            outcome = Outcome(result, "SOME_REASON" if result is Result.REFUSED else "")
            yield f"{step} {result}", after(progress, step, outcome)
        yield "interrupted", interrupted(progress)
        yield "resumed", resumed(progress)
    if progress.state in FORWARD or progress.state is State.CONFIRMED:
        yield "cancelled", cancelled(progress)


def reachable() -> set[Progress]:
    seen, fresh = {begun()}, [begun()]
    while fresh:
        new = {progress for _, progress in successors(fresh.pop())} - seen
        seen |= new
        fresh.extend(new)
    return seen


REACHABLE = sorted(reachable(), key=repr)


def test_every_state_can_be_reached() -> None:
    assert {progress.state for progress in REACHABLE} == set(State)


@pytest.mark.parametrize("progress", REACHABLE, ids=repr)
def test_final_is_what_has_nothing_left_to_do(progress: Progress) -> None:
    assert (progress.state in FINAL) == (progress.todo == ())
    assert (progress.state in (State.FAILED, State.COMPENSATING)) >= bool(progress.reason)


@pytest.mark.parametrize("progress", REACHABLE, ids=repr)
def test_when_every_step_succeeds_every_order_ends(progress: Progress) -> None:
    for _ in range(4):
        if (step := progress.next_step) is not None:
            progress = after(progress, step, DONE)
    assert progress.state in FINAL


@pytest.mark.parametrize("progress", REACHABLE, ids=repr)
def test_what_recovery_goes_on_with_needs_no_card(progress: Progress) -> None:
    assert Step.CHARGE not in interrupted(progress).todo


@pytest.mark.parametrize("progress", REACHABLE, ids=repr)
def test_only_known_refusals_turn_a_paid_order_back(progress: Progress) -> None:
    if progress.paid:
        turning = {event for event, next_one in successors(progress) if next_one.state not in FORWARD | FINAL}
        assert turning <= {"reserve refused", "reserve lost", "commit lost", "cancelled"}


Effects = frozenset[str]


def effects_after(effects: Effects, progress: Progress, step: Step, result: Result) -> Effects:
    """What may be the case in the other services: anything but a refusal may have happened, only DONE surely has."""
    held, charged = f"held {progress.reservation}", "charged"
    match step, result:
        case Step.RESERVE | Step.COMMIT, Result.LOST:
            return effects - {held}  # over, and remembered there as over
        case Step.RESERVE, _ if result is not Result.TOO_LATE:
            return effects | {held}
        case Step.CHARGE, _ if result is not Result.TOO_LATE:
            return effects | {charged}
        case Step.REFUND, Result.DONE:
            return effects - {charged}
        case Step.RELEASE, Result.DONE:
            return effects - {held}
        case _:
            return effects


def test_no_order_ends_without_its_stock_and_money_where_they_belong() -> None:
    start = (begun(), Effects())
    seen, fresh, endings = {start}, [start], set()
    while fresh:
        progress, effects = fresh.pop()
        following: set[tuple[Progress, Effects]] = set()
        if (step := progress.next_step) is None:
            endings.add((progress.state, effects))
        else:
            for result in Result:
                if step is Step.INQUIRE and result is Result.DONE and "charged" not in effects:
                    continue  # payments does not lie
                new = effects_after(effects, progress, step, result)
                following.add((after(progress, step, Outcome(result, "SOME_REASON")), new))
            following |= {(interrupted(progress), effects), (resumed(progress), effects)}
            if (
                progress.state in FORWARD
            ):  # while the step is on its way: what it does meanwhile is undone with the rest
                begun_meanwhile = effects_after(effects, progress, step, Result.UNKNOWN)
                following |= {(cancelled(progress), effects), (cancelled(progress), begun_meanwhile)}
        if progress.state is State.CONFIRMED:
            following.add((cancelled(progress), effects))
        fresh.extend(following - seen)
        seen |= following
    assert {effects for state, effects in endings if state in (State.FAILED, State.CANCELLED)} == {Effects()}
    for _, effects in (ending for ending in endings if ending[0] is State.CONFIRMED):
        assert "charged" in effects
        assert len(effects) == 2
