"""What did a run of calls show?

Latency counts from the moment a call was due, not from the moment it was sent: a server that stalls for three seconds
delays every call that should have started meanwhile, and a generator that waits politely would hide them ("coordinated
omission", Gil Tene). https://github.com/HdrHistogram/HdrHistogram#corrected-vs-raw-value-recording-calls
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadtest.outcome import Outcome
from loadtest.punctuality import KEPT_UP, LATE


class NothingMeasured(Exception):
    """A question about latency or rate was asked of a run without calls."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One call. Times are seconds of the generator's clock."""

    number: int
    scheduled: float
    started: float
    ended: float
    outcome: Outcome

    @property
    def latency(self) -> float:
        """Seconds from when the call was due until its end."""
        return self.ended - self.scheduled


@dataclass(frozen=True)
class Report:
    """The calls of one run in the order they were due, and those that were due but never sent."""

    rate: float  # calls per second that were asked for
    samples: tuple[Sample, ...]
    dropped: tuple[float, ...] = ()  # when each was due; too many others were in flight

    @property
    def codes(self) -> Counter[str]:
        """How many calls ended with which status."""
        return Counter(sample.outcome.code.name for sample in self.samples)

    @property
    def versions(self) -> Counter[str]:
        """Who answered, by version; errors made by a proxy count for an empty string."""
        return Counter(sample.outcome.version for sample in self.samples)

    @property
    def pods(self) -> Counter[str]:
        """Who answered, by pod; errors made by a proxy count for an empty string."""
        return Counter(sample.outcome.pod for sample in self.samples)

    @property
    def failures(self) -> tuple[Sample, ...]:
        """The calls that were neither answered nor refused as deserved."""
        return tuple(sample for sample in self.samples if sample.outcome.failed)

    def quantile(self, q: float) -> float:
        """Latency in seconds that a share `q` of the calls did not exceed. Raises NothingMeasured."""
        return _quantile([sample.latency for sample in self.samples], q)

    def lateness(self, q: float) -> float:
        """Seconds behind schedule at which calls were sent, for a share `q` of them. Raises NothingMeasured."""
        return _quantile([sample.started - sample.scheduled for sample in self.samples], q)

    @property
    def achieved_rate(self) -> float:
        """Calls really sent per second of the schedule. Raises NothingMeasured."""
        due, sent = self._due, [sample.started for sample in self.samples]
        return len(self.samples) / (max(due + sent) - min(due) + 1 / self.rate)

    @property
    def scheduled_rate(self) -> float:
        """Calls due per second of the schedule; by chance not quite `rate` when they arrive by chance."""
        due = self._due
        return len(due) / (max(due) - min(due) + 1 / self.rate)

    @property
    def saturated(self) -> bool:
        """The generator could not keep its schedule, so its numbers describe itself. Raises NothingMeasured."""
        return bool(self.dropped) or self.lateness(0.99) > LATE or self.achieved_rate < KEPT_UP * self.scheduled_rate

    @property
    def _due(self) -> list[float]:
        if not self.samples:
            raise NothingMeasured
        return [sample.scheduled for sample in self.samples] + list(self.dropped)

    def between(self, start: float, end: float = math.inf) -> "Report":
        """The part of this run that was due from `start` until before `end`, for counting by phase."""
        return replace(
            self,
            samples=tuple(sample for sample in self.samples if start <= sample.scheduled < end),
            dropped=tuple(due for due in self.dropped if start <= due < end),
        )

    def recovery(self, fault: float) -> float:
        """Seconds from `fault` until the last failed call was due; 0 when none failed."""
        return max((sample.scheduled - fault for sample in self.between(fault).failures), default=0.0)


def _quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile: an observed value, never an interpolated one."""
    if not values:
        raise NothingMeasured
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
