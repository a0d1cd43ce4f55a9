r"""What may become of a reservation, and where are its pieces meanwhile?

                       Commit                    Release (a return)
    Reserve --> HELD ----------> COMMITTED ----------------------> RELEASED
                 |  \                                                ^  ^
                 |   \ Release                                       |  |
                 |    +----------------------------------------------+  |
                 | expires_at is reached                                |
                 +--> EXPIRED          Release of an id never seen -----+

A product's pieces are in one of three columns of its books, and a reservation's state says in which its
own are: changing the state moves them, so nothing is ever counted twice or lost.
Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


class Column(StrEnum):
    """Where a piece can be. `received` is always the sum of the three."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    COMMITTED = "committed"


PIECES_IN = {
    State.HELD: Column.RESERVED,
    State.COMMITTED: Column.COMMITTED,
    State.RELEASED: Column.AVAILABLE,
    State.EXPIRED: Column.AVAILABLE,
}


class Line(NamedTuple):
    """Pieces of one product."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Pieces held for one order."""

    reservation_id: str
    order_id: str
    lines: tuple[Line, ...]
    state: State
    expires_at: int

    @property
    def is_tombstone(self) -> bool:
        """Whether it was released before it arrived: then nobody knows what it was to hold."""
        return not self.lines

    def asks_the_same(self, other: Reservation) -> bool:
        """Whether both ask for the same pieces for the same order, in whatever order of lines.

        How long to hold is not compared: whoever tries again may have less time left, and the first answer stands.
        """
        return self.order_id == other.order_id and sorted(self.lines) == sorted(other.lines)


def tombstone(reservation_id: str) -> Reservation:
    """What is remembered of a reservation released before it arrived."""
    return Reservation(reservation_id, order_id="", lines=(), state=State.RELEASED, expires_at=0)


def lapsed(reservation: Reservation, now: int) -> Reservation:
    """The reservation as time has left it, whether or not the sweep has come by."""
    if reservation.state is State.HELD and reservation.expires_at <= now:
        return replace(reservation, state=State.EXPIRED)
    return reservation


def committed(reservation: Reservation, now: int) -> Reservation:
    """The reservation after Commit: COMMITTED, unless its pieces are no longer held."""
    reservation = lapsed(reservation, now)
    return replace(reservation, state=State.COMMITTED) if reservation.state is State.HELD else reservation


def released(reservation: Reservation, now: int) -> Reservation:
    """The reservation after Release: its pieces are available again."""
    reservation = lapsed(reservation, now)
    if reservation.state in {State.HELD, State.COMMITTED}:
        return replace(reservation, state=State.RELEASED)
    return reservation
