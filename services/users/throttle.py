"""How soon may a password be tried again? At once a few times, then after a pause that doubles up to a minute.

    wrong in a row   1 .. 5   6     7     8     ...   12 and more
    pause            none     1 s   2 s   4 s   ...   60 s

Pauses are an account's: whoever guesses at many accounts is the gateway's to stop, which knows where a call comes
from. They never lock anybody out: the longest is a minute, and a quarter of an hour without a try forgets them all.
At a guess a minute a password of twelve characters is safe for longer than its owner lives.
Pure; times are microseconds since 1970.
"""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000
FREE = 5  # wrong ones in a row before there is a pause
LONGEST = 60 * SECOND
FORGOTTEN = 15 * 60 * SECOND  # after the last one


class Attempts(NamedTuple):
    """Passwords tried for one address, since the last that was right."""

    tries: int
    last_at: int


NONE = Attempts(0, 0)


def pause(attempts: Attempts, now: int) -> int:
    """How long to wait before the next try; 0: try now."""
    if attempts.tries < FREE or _forgotten(attempts, now):
        return 0
    whole = min(LONGEST, SECOND << min(attempts.tries - FREE, 10))
    # A clock that was set back makes nobody wait longer.
    return max(0, min(whole, attempts.last_at + whole - now))


def tried(attempts: Attempts, now: int) -> Attempts:
    """The attempts with one more. It counts from its beginning: so those that come all at once count, too."""
    return Attempts(1 if _forgotten(attempts, now) else attempts.tries + 1, now)


def _forgotten(attempts: Attempts, now: int) -> bool:
    return attempts.last_at + FORGOTTEN <= now
