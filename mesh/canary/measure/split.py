"""Does traffic go where the weights say? Asked of the requests that were counted, not of the object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mesh.canary.measure.difference import Delta

_ENOUGH = 10
"""Requests to expect of the version with less of them: that it has none would then be outside the interval."""
_WIDTH = 3.0
"""Standard deviations to each side: an honest split misses the interval once in 370 looks."""


@dataclass(frozen=True)
class Split:
    """How many requests the canary had among those of both versions, and the weight (percent) it was given."""

    canary: int
    requests: int
    weight: int

    @property
    def share(self) -> float:
        """What the canary had, in percent; 0.0 of nothing."""
        return 100 * self.canary / self.requests if self.requests else 0.0

    @property
    def enough(self) -> bool:
        """Whether there are enough requests to tell."""
        rarer = min(self.weight, 100 - self.weight) / 100
        return self.requests * rarer >= _ENOUGH if rarer else self.requests >= _ENOUGH

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares (percent) the canary's lies if the weight holds: binomial."""
        if not self.requests:
            return 0.0, 100.0
        spread = _WIDTH * math.sqrt(self.weight * (100 - self.weight) / self.requests)
        return max(0.0, self.weight - spread), min(100.0, self.weight + spread)

    @property
    def seen(self) -> bool:
        """Whether the weight is in effect, as far as requests can say."""
        low, high = self.interval
        return self.enough and low <= self.share <= high


def split_of(deltas: Sequence[Delta], baseline: str, canary: str, weight: int) -> Split:
    """The split of the last requests: of as many of `deltas`, counted from the last, as it takes to tell."""
    split = Split(0, 0, weight)
    for delta in reversed(deltas):
        had, other = delta.versions[canary].requests, delta.versions[baseline].requests
        split = Split(split.canary + had, split.requests + had + other, weight)
        if split.enough:
            break
    return split
