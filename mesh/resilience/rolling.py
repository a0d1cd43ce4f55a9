"""How many in the last N seconds? A count that forgets, in constant time and space.

Exact to one bucket: an event is forgotten between `span` less one bucket and `span` seconds after it.
"""

from __future__ import annotations


class RollingCount:
    """Events of the last `span` seconds. The caller says what time it is; time does not go back."""

    __slots__ = ("_buckets", "_counts", "_per_second", "_slot", "_total")

    def __init__(self, span: float, *, buckets: int = 20) -> None:
        self._buckets = buckets
        self._per_second = buckets / span
        self._counts = [0] * buckets
        self._slot = 0
        self._total = 0

    def add(self, now: float) -> None:
        """Count one event at `now`."""
        slot = int(now * self._per_second)
        if slot != self._slot:
            self._advance(slot)
        self._counts[slot % self._buckets] += 1
        self._total += 1

    def total(self, now: float) -> int:
        """The events counted and not yet forgotten at `now`."""
        # Nothing is moved: a scrape may ask from another thread.
        slot, last, buckets = int(now * self._per_second), self._slot, self._buckets
        if slot == last:
            return self._total
        forgotten = range(last - buckets + 1, min(last, slot - buckets) + 1)
        return self._total - sum(self._counts[passed % buckets] for passed in forgotten)

    def clear(self) -> None:
        """Forget everything."""
        self._counts = [0] * self._buckets
        self._total = 0

    def _advance(self, slot: int) -> None:
        for passed in range(max(self._slot, slot - self._buckets) + 1, slot + 1):
            index = passed % self._buckets
            self._total -= self._counts[index]
            self._counts[index] = 0
        self._slot = slot
