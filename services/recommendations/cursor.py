"""How far have orders been read? Pure.

Orders are listed the newest first, so they are read backwards, from the newest to a floor below which all is known:

    at rest ---- a page ----> reading back ---- a page reaches the floor ----> at rest, the floor raised
                                 |      ^
                                 +------+ a page

Where the reading has got to is stored with what was learnt from each page, so that whoever is killed goes on there.
The floor is raised to half a minute before the newest order of the first page, not to that order itself: an order
gets its time before it is written down, so one that is listed later may be a little older than one listed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LATE = 30_000_000
"""Microseconds within which an order is listed after the time it bears. Its transaction has 5 s, run again thrice."""

HISTORY = 30 * 86_400_000_000
"""Microseconds back to the first order that is read at all: what is older hardly counts (ageing.py)."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the reading is; times are microseconds since 1970."""

    floor: int  # what was placed before has been dealt with
    ceiling: int = 0  # the next floor, while reading back; 0 at rest
    page_token: str = ""  # of the page to read next

    @property
    def at_rest(self) -> bool:
        return not self.page_token

    def after(self, placed: Sequence[int], next_page_token: str, now: int) -> Cursor:
        """Where it is when a page was read whose orders were placed then, the newest first.

        An order from the future, by some pod's wrong clock, does not raise the floor above those to come.
        """
        ceiling = self.ceiling or max([self.floor, *(min(at, now) - LATE for at in placed[:1])])
        if next_page_token and placed and placed[-1] >= self.floor:
            return Cursor(self.floor, ceiling, next_page_token)
        return Cursor(ceiling)

    def again(self) -> Cursor:
        """The same floor, to be read down to from the newest order."""
        return Cursor(self.floor)


def first(now: int) -> Cursor:
    """Where the reading begins that has never begun before."""
    return Cursor(now - HISTORY)
