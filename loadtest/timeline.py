"""How did a run go over time? Its calls in slices of equal length, by when they were due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from loadtest.histogram import Histogram

SLICES = 200  # at most
DIGITS = 2  # of a slice's latencies; enough to plot, and ten times smaller


def _coarse() -> Histogram:
    return Histogram(DIGITS)


@dataclass
class Slice:
    """The calls that were due in one slice."""

    calls: int = 0
    failed: int = 0
    latency: Histogram = field(default_factory=_coarse)

    def add(self, other: Slice) -> None:
        """Count what another process saw in the same slice."""
        self.calls += other.calls
        self.failed += other.failed
        self.latency.add(other.latency)


class Timeline:
    """The slices of a run that is to take so many seconds, a second each if there are not too many."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.width = max(1.0, seconds / SLICES)
        self._slices: defaultdict[int, Slice] = defaultdict(Slice)

    def record(self, due: float, latency: float, *, failed: bool) -> None:
        """Count a call that was due so many seconds after the start."""
        found = self._slices[int(due / self.width)]
        found.calls += 1
        found.failed += failed
        found.latency.record(latency)

    def add(self, other: Timeline) -> None:
        """Count what another process saw of the same run."""
        for index, seen in other._slices.items():
            self._slices[index].add(seen)

    def slices(self) -> Iterator[tuple[float, Slice]]:
        """When each began, in seconds after the start, and what it saw; one without calls is there, too."""
        for index in range(max(self._slices, default=-1) + 1):
            yield index * self.width, self._slices[index]

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        rows = {index: [each.calls, each.failed, each.latency.encoded()] for index, each in self._slices.items()}
        return {"seconds": self.seconds, "slices": rows}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Timeline:
        """What was written."""
        timeline = cls(data["seconds"])
        for index, (calls, failed, latency) in data["slices"].items():
            timeline._slices[int(index)] = Slice(calls, failed, Histogram.decoded(latency, DIGITS))
        return timeline
