"""Which step of an order comes next, and what does the outcome of a step mean?

                 reserve             charge             commit
    (PENDING) ------------> RESERVED ------> CHARGED ------------> CONFIRMED
        |                      |             |  ^ |                    |
        | refused              | refused     |  | | reservation lost:  |
        | no answer            | no answer   |  +-+ reserve anew       |
        | out of time          | out of time |                        |
        | interrupted          | interrupted | no stock any more      |
        v                      v             v                        v
    COMPENSATING <------------------------------------ cancelled by the customer,
        |    refund unless it was PENDING,             in whichever of these states
        |    then release
        v
    FAILED with a reason, CANCELLED without one

A state means that the step *after* it may have happened: RESERVED is written down
before the card is charged. So whoever finds an order, also after kill -9, knows from
what is written what may have to be undone; and every step may be done twice, because
each carries a key and its undoing leaves a tombstone for a step that arrives late.

Once the money is taken the order goes forward: commit is repeated until it is done,
and only stock that is gone for good, or the customer, turns the order back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

MAX_RESERVATIONS = 3
"""Reservations tried for one order: each was lost after minutes, so a fourth would be no better."""

INTERRUPTED = "INTERRUPTED"
"""Failure reason of an order whose process died before the card was charged."""
OUT_OF_TIME = "OUT_OF_TIME"
"""Failure reason of an order whose caller's deadline left too little time for the next step."""
RESERVATION_LOST = "RESERVATION_LOST"
"""Failure reason of an order whose reservations lapsed again and again."""
INVENTORY_UNAVAILABLE = "INVENTORY_UNAVAILABLE"
PAYMENTS_UNAVAILABLE = "PAYMENTS_UNAVAILABLE"


class State(StrEnum):
    """Where an order stands; the names are those of `OrderState` in the contract."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    CHARGED = "CHARGED"
    CONFIRMED = "CONFIRMED"
    COMPENSATING = "COMPENSATING"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FORWARD = frozenset({State.PENDING, State.RESERVED, State.CHARGED})
"""The order may still come about."""
FINAL = frozenset({State.CONFIRMED, State.FAILED, State.CANCELLED})
"""Nothing is left to do."""


class Step(StrEnum):
    """One call to another service."""

    RESERVE = "reserve"
    CHARGE = "charge"
    INQUIRE = "inquire"
    """Ask payments whether the card was charged, when there is no card to charge again with."""
    COMMIT = "commit"
    REFUND = "refund"
    RELEASE = "release"


class Result(StrEnum):
    """What became of a step."""

    DONE = "done"
    REFUSED = "refused"
    """It did not happen, for the reason given."""
    LOST = "lost"
    """The reservation expired or was released."""
    CONFLICT = "conflict"
    """The charge's key was used before, with another card."""
    ABSENT = "absent"
    """No charge has arrived so far; one may still be on its way."""
    UNKNOWN = "unknown"
    """No answer that tells: it may have happened, and may still happen."""
    TOO_LATE = "too_late"
    """Not begun: too little of the caller's deadline was left."""


@dataclass(frozen=True)
class Outcome:
    """The result of a step, with the reason of a refusal; if a product was too few, which, and how many there were."""

    result: Result
    reason: str = ""
    product_id: str = ""
    available: int | None = None


@dataclass(frozen=True)
class Progress:
    """What is written down of an order's saga: enough to go on from, by anybody."""

    state: State
    todo: tuple[Step, ...]
    reason: str = ""
    product_id: str = ""
    """The product that was too few, if that is the reason."""
    available: int | None = None
    """How many there were of it, if inventory said so."""
    reservation: int = 1
    """Which reservation is in use; a lost one is followed by another, under another key."""

    @property
    def next_step(self) -> Step | None:
        """The step to do now; None when the order is final."""
        return self.todo[0] if self.todo else None

    @property
    def paid(self) -> bool:
        """True from the moment the money is known to be taken until the order turns back."""
        return self.state is State.CHARGED


def begun() -> Progress:
    """An order just written down."""
    return Progress(State.PENDING, (Step.RESERVE, Step.CHARGE, Step.COMMIT))


def after(progress: Progress, step: Step, outcome: Outcome) -> Progress:
    """The progress to write down after `step`; the same one when the step has to be tried again later."""
    match step:
        case Step.RESERVE:
            return _after_reserve(progress, outcome)
        case Step.CHARGE:
            return _after_charge(progress, outcome)
        case Step.INQUIRE:
            return _after_inquiry(progress, outcome)
        case Step.COMMIT:
            return _after_commit(progress, outcome)
        case Step.REFUND | Step.RELEASE:
            return _after_compensation(progress, outcome)
        case _:
            assert_never(step)


def interrupted(progress: Progress) -> Progress:
    """How to go on without the card, which is never stored: ask whether it was charged, or go back."""
    match progress.next_step:
        case Step.CHARGE:
            return replace(progress, todo=(Step.INQUIRE, *progress.todo[1:]))
        case Step.RESERVE if not progress.paid:
            return _back(progress, INTERRUPTED)
        case _:
            return progress


def resumed(progress: Progress) -> Progress:
    """How to go on when the caller has come back with the card: charge, under the same key as before."""
    if progress.next_step is Step.INQUIRE:
        return replace(progress, todo=(Step.CHARGE, *progress.todo[1:]))
    return progress


def cancelled(progress: Progress) -> Progress:
    """How to go on with an order that the customer gives back: back, from wherever it is.

    A step that somebody else is doing meanwhile does no harm: it has its tombstone, like one that a crash left behind.
    Raises ValueError for an order that comes to nothing for another reason, or has been cancelled.
    """
    if progress.state in FORWARD or progress.state is State.CONFIRMED:
        return _back(progress, "")
    if given_up(progress) and progress.todo:
        return progress
    raise ValueError(f"a {progress.state} order cannot be cancelled")


def given_up(progress: Progress) -> bool:
    """Whether the customer has cancelled the order."""
    return progress.state is State.CANCELLED or (progress.state is State.COMPENSATING and not progress.reason)


def _after_reserve(progress: Progress, outcome: Outcome) -> Progress:
    match outcome.result:
        case Result.DONE:
            return _done(progress, State.CHARGED if progress.paid else State.RESERVED)
        case Result.LOST:
            return _reserve_anew(progress)
        case Result.REFUSED:
            back = _back(progress, outcome.reason)
            return replace(back, product_id=outcome.product_id, available=outcome.available)
        case _ if progress.paid:
            return progress
        case Result.TOO_LATE:
            return _back(progress, OUT_OF_TIME)
        case _:
            return _back(progress, INVENTORY_UNAVAILABLE)


def _after_charge(progress: Progress, outcome: Outcome) -> Progress:
    match outcome.result:
        case Result.DONE:
            return _done(progress, State.CHARGED)
        case Result.REFUSED:
            return _back(progress, outcome.reason)
        case Result.CONFLICT:
            return interrupted(progress)
        case Result.TOO_LATE:
            return _back(progress, OUT_OF_TIME)
        case _:
            return _back(progress, PAYMENTS_UNAVAILABLE)


def _after_inquiry(progress: Progress, outcome: Outcome) -> Progress:
    match outcome.result:
        case Result.DONE:
            return _done(progress, State.CHARGED)
        case Result.REFUSED:
            return _back(progress, outcome.reason)
        case Result.ABSENT:
            return _back(progress, INTERRUPTED)
        case _:
            return progress


def _after_commit(progress: Progress, outcome: Outcome) -> Progress:
    match outcome.result:
        case Result.DONE:
            return _done(progress, State.CONFIRMED)
        case Result.LOST:
            return _reserve_anew(replace(progress, todo=(Step.RESERVE, *progress.todo)))
        case _:
            return progress


def _after_compensation(progress: Progress, outcome: Outcome) -> Progress:
    if outcome.result is not Result.DONE:
        return progress
    finished = len(progress.todo) == 1
    ending = State.FAILED if progress.reason else State.CANCELLED
    return _done(progress, ending if finished else State.COMPENSATING)


def _done(progress: Progress, state: State) -> Progress:
    return replace(progress, state=state, todo=progress.todo[1:])


def _reserve_anew(progress: Progress) -> Progress:
    if progress.reservation == MAX_RESERVATIONS:
        return _back(progress, RESERVATION_LOST)
    return replace(progress, reservation=progress.reservation + 1)


def _back(progress: Progress, reason: str) -> Progress:
    # Both are owed even after a refusal: an earlier try of the very same step may still be on its way.
    # What is undone leaves a tombstone under its key, and a step that finds one does nothing.
    owed = (Step.RELEASE,) if progress.state is State.PENDING else (Step.REFUND, Step.RELEASE)
    return replace(progress, state=State.COMPENSATING, reason=reason, todo=owed)
