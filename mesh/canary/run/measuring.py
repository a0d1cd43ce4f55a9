"""What happened since we looked last? Asked of the source of readings, at the pace of the plan."""

from __future__ import annotations

from collections import deque

from mesh.canary.measure.difference import Delta, NoData, difference
from mesh.canary.measure.source import Reading, Source
from mesh.canary.measure.split import Split, split_of

_REMEMBERED = 60  # differences; a split is told from the newest


class Meter:
    """Successive readings of both versions, the baseline's first."""

    def __init__(self, source: Source, versions: tuple[str, str]) -> None:
        self._source, self._versions = source, versions
        self._since: Reading | None = None
        self.last: Reading | None = None
        """The last reading, whatever it brought."""
        self._looked_at = float("-inf")
        self._deltas: deque[Delta] = deque(maxlen=_REMEMBERED)

    def forget(self) -> None:
        """Begin anew: what was before must not be counted under what comes now."""
        self._since = None
        self._deltas.clear()

    def due_in(self, seconds: float, now: float) -> float:
        """How long until the next look, when one is wanted every so many seconds, or as often as the source allows."""
        return max(0.0, self._looked_at + max(seconds, self._source.least_seconds) - now)

    async def look(self, now: float) -> Delta | NoData | None:
        """What happened since the last look; None at the first.

        A reading without statistics is not counted from: no difference to it would say anything.
        """
        reading, self._looked_at = await self._source.read(), now
        earlier, self.last = self._since, reading
        if reading.pods:
            self._since = reading
        if earlier is None:
            return None if reading.pods else NoData(reading.at, "; ".join(reading.missing) or "no caller answers")
        found = difference(earlier, reading, self._versions)
        if isinstance(found, Delta):
            self._deltas.append(found)
        return found

    def split(self, weight: int) -> Split:
        """How the newest requests since it was begun anew were divided."""
        return split_of(tuple(self._deltas), *self._versions, weight)
