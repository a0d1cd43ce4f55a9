"""May one more attempt be on the wire to this peer? Not beyond the bound: it would only wait, here and there.

A peer that slows down keeps each attempt longer; at the same rate of calls ever more of them pile up, and
their memory and connections are taken from the calls to every other peer. The bound keeps the damage in
one compartment (Nygard, "Release It!"; resilience4j's SemaphoreBulkhead). Nobody queues: a call that would
wait here is better told at once.
"""

from __future__ import annotations

import math

from mesh.resilience.errors import BulkheadFull


class Bulkhead:
    """Counts the attempts under way to one peer, on one event loop. Whoever enters must leave."""

    __slots__ = ("_most", "in_flight", "limit", "peer")

    def __init__(self, peer: str, limit: int | None) -> None:
        self.peer, self.limit = peer, limit
        self.in_flight = 0
        self._most: float = math.inf if limit is None else limit

    def enter(self) -> None:
        """Take a place. Raises BulkheadFull."""
        if self.in_flight >= self._most:
            raise BulkheadFull(self.peer, self.in_flight)
        self.in_flight += 1

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
