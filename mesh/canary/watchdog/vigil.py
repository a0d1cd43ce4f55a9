"""For how long has a Lease not been renewed? By the looker's own clock, and only while it could look; pure.

No two machines' clocks are compared. A looker that could not look for a while, because the API server was away or the
machine was suspended, knows nothing about that time and begins to count again: its holder could not renew either.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_GAP = 6.0
"""Seconds between two looks that still are one vigil."""


@dataclass(frozen=True)
class Vigil:
    """What a looker remembers of one Lease. Seconds by any clock that only goes forward."""

    version: str
    """The Lease's resourceVersion: another one after every renewal."""
    since: float
    last: float

    def after(self, version: str, now: float) -> Vigil:
        """What it remembers after one more look."""
        if version != self.version or now - self.last > LONGEST_GAP:
            return begun(version, now)
        return Vigil(version, self.since, now)

    @property
    def unrenewed(self) -> float:
        """For how long it has been seen without a renewal."""
        return self.last - self.since


def begun(version: str, now: float) -> Vigil:
    """What it remembers after the first look."""
    return Vigil(version, now, now)
