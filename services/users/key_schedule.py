"""When does a signing key begin, and when is it forgotten? So that whoever verifies a token knows its key already.

    made            published, and signs nothing yet: those who keep our keys in memory must fetch them first
    signs_from      signs every new token, until the next key does
    forgotten       once the last token that it has signed is over

               |- ahead -|------- signing -------|- last tokens -|
    key n      made      signs                                   forgotten
    key n+1                             made     signs

A key that is due while nobody is there to make it is made late, and signs late: the one before goes on meanwhile. Only
the first of all signs at once, for nobody can have fetched anything before.
Pure; times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

MINUTE = 60_000_000
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


class Period(NamedTuple):
    """When a key signs: from here until the next one begins."""

    generation: int
    signs_from: int


@dataclass(frozen=True)
class Schedule:
    """How long keys do what."""

    # istiod fetches the keys every 20 minutes and then tells every Envoy; a failed fetch doubles that.
    publish_ahead: int = HOUR
    signing: int = 7 * DAY
    token_life: int = 10 * MINUTE
    # Processes look every minute, their clocks differ, and Envoy takes a token for a minute after its end.
    spread: int = 5 * MINUTE

    def signer(self, keys: Sequence[Period], now: int) -> int:
        """The generation that signs at `now`; `keys` are in order, and not empty."""
        begun = [key.generation for key in keys if key.signs_from <= now]
        return begun[-1] if begun else keys[0].generation

    def next(self, keys: Sequence[Period], now: int) -> Period | None:
        """The key to be made at `now`, if one is due."""
        if not keys:
            return Period(1, now)
        newest = keys[-1]
        begins = newest.signs_from + self.signing
        if now < begins - self._ahead:
            return None
        return Period(newest.generation + 1, max(begins, now + self._ahead))

    def forgotten(self, keys: Sequence[Period], now: int) -> list[int]:
        """The generations whose last token is over at `now`."""
        followed = pairwise(keys)
        return [key.generation for key, after in followed if after.signs_from + self.token_life + self.spread <= now]

    @property
    def _ahead(self) -> int:
        return self.publish_ahead + self.spread
