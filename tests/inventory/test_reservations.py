"""What may become of a reservation; pure."""

from dataclasses import replace

import pytest

from services.inventory.reservations import (
    PIECES_IN,
    Column,
    Line,
    Reservation,
    State,
    committed,
    lapsed,
    released,
    tombstone,
)

HELD = Reservation("r", "o", (Line("mug", 2), Line("cup", 1)), State.HELD, expires_at=100)
IN_TIME, TOO_LATE = 99, 100


def test_a_held_reservation_is_committed_in_time_only() -> None:
    assert committed(HELD, IN_TIME).state is State.COMMITTED
    assert committed(HELD, TOO_LATE).state is State.EXPIRED


def test_a_held_reservation_is_released_in_time_and_expired_afterwards() -> None:
    assert released(HELD, IN_TIME).state is State.RELEASED
    assert released(HELD, TOO_LATE).state is State.EXPIRED


@pytest.mark.parametrize("state", [State.COMMITTED, State.RELEASED, State.EXPIRED])
def test_time_changes_only_what_is_held(state: State) -> None:
    assert lapsed(replace(HELD, state=state), TOO_LATE).state is state


def test_a_committed_reservation_can_be_returned_even_after_its_time() -> None:
    assert released(replace(HELD, state=State.COMMITTED), TOO_LATE).state is State.RELEASED


@pytest.mark.parametrize("state", [State.RELEASED, State.EXPIRED])
def test_what_went_back_stays_back(state: State) -> None:
    gone = replace(HELD, state=state)
    assert committed(gone, IN_TIME) == released(gone, IN_TIME) == gone


@pytest.mark.parametrize("state", State)
def test_every_state_says_where_the_pieces_are(state: State) -> None:
    assert PIECES_IN[state] in Column


def test_the_order_of_lines_does_not_matter_but_everything_else_does() -> None:
    assert HELD.asks_the_same(replace(HELD, lines=HELD.lines[::-1], expires_at=7, state=State.EXPIRED))
    assert not HELD.asks_the_same(replace(HELD, order_id="other"))
    assert not HELD.asks_the_same(replace(HELD, lines=HELD.lines[:1]))
    assert not HELD.asks_the_same(replace(HELD, lines=(Line("mug", 3), Line("cup", 1))))


def test_a_tombstone_is_released_for_ever() -> None:
    assert tombstone("r").is_tombstone
    assert not HELD.is_tombstone
    assert committed(tombstone("r"), IN_TIME).state is State.RELEASED
