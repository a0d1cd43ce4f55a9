"""What did one version do in one block? Requests, errors and latencies, as counts that can be added."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from mesh.resilience.verdicts import APART, CALLERS, VERDICTS

_REFUSALS = frozenset(code.name for code, verdict in VERDICTS.items() if verdict.canary in {CALLERS, APART})

# Envoy's own bounds (milliseconds), and between them those that `sidecar.istio.io/statsHistogramBuckets` may add.
# A sidecar that has only Envoy's fills only those buckets; nothing is guessed.
BOUNDS = (
    *(0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 25.0, 35.0, 50.0, 75.0, 100.0, 150.0, 250.0, 350.0, 500.0),
    *(750.0, 1000.0, 1500.0, 2500.0, 5000.0, 10_000.0, 30_000.0, 60_000.0),
    *(300_000.0, 600_000.0, 1_800_000.0, 3_600_000.0),
)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many requests took how long: one count for each of BOUNDS, and a last one for what took longer."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)

    def __post_init__(self) -> None:
        if len(self.counts) != len(BOUNDS) + 1 or min(self.counts) < 0:
            raise ValueError(f"a histogram has {len(BOUNDS) + 1} counts, none below 0: {self.counts}")

    @classmethod
    def of_cumulative(cls, at_most: Mapping[float, int]) -> Histogram:
        """What Envoy and Prometheus give: bound -> requests that took at most so long. The bound `inf` is the total.

        A bound that is not ours counts as the next one of ours above it.
        """
        counts, before = [0] * (len(BOUNDS) + 1), 0
        for bound, total in sorted(at_most.items()):
            counts[bisect.bisect_left(BOUNDS, bound)] += total - before
            before = total
        return cls(tuple(counts))

    @property
    def total(self) -> int:
        return sum(self.counts)

    def above(self, ms: float) -> int:
        """How many took longer than `ms`, rounded up to a bound."""
        return sum(self.counts[bisect.bisect_left(BOUNDS, ms) + 1 :])

    def quantile(self, q: float) -> float:
        """The latency (ms) that the share `q` did not exceed, as if evenly spread within its bucket; 0.0 of nothing."""
        rank = q * self.total
        for place, (count, upto) in enumerate(zip(self.counts, accumulate(self.counts), strict=True)):
            if count and upto >= rank:
                low = BOUNDS[place - 1] if place else 0.0
                high = BOUNDS[min(place, len(BOUNDS) - 1)]
                return low + (high - low) * max(0.0, 1 - (upto - rank) / count)
        return 0.0

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(tuple(mine + its for mine, its in zip(self.counts, other.counts, strict=True)))


EMPTY = Histogram()


@dataclass(frozen=True, slots=True)
class Counts:
    """What one version did in one block, over all callers."""

    requests: int = 0  # first attempts
    errors: int = 0  # canary-bad gRPC statuses, and first attempts hidden by a mesh retry that went well
    statuses: Mapping[str, int] = field(default_factory=dict)  # gRPC status name -> requests
    latency: Histogram = EMPTY

    @property
    def refused(self) -> int:
        """Requests that were answered with no: as good as their callers' questions, unless one version says it more."""
        return sum(number for name, number in self.statuses.items() if name in _REFUSALS)

    def __add__(self, other: Counts) -> Counts:
        names = {*self.statuses, *other.statuses}
        return Counts(
            self.requests + other.requests,
            self.errors + other.errors,
            {name: self.statuses.get(name, 0) + other.statuses.get(name, 0) for name in sorted(names)},
            self.latency + other.latency,
        )


@dataclass(frozen=True, slots=True)
class Block:
    """One interval of concurrent measurement."""

    at: float  # unix time of its end
    seconds: float
    step: int  # under which step it was measured, counted from 0
    weight: int  # which that step gives the canary, in percent
    baseline: Counts
    canary: Counts
