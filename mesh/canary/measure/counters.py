"""What one sidecar has counted about one version of a service since it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mesh.canary.judge.counts import Counts, Histogram
from mesh.resilience.verdicts import BAD, VERDICTS

GIVEN_UP = "GIVEN_UP"
"""In place of a status, for a call that its caller no longer waited for."""

_ERRORS = frozenset(code.name for code, verdict in VERDICTS.items() if verdict.canary is BAD) | {GIVEN_UP}
_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Counters:
    """Cumulative, as Envoy keeps them for the cluster of one subset."""

    statuses: Mapping[str, int] = field(default_factory=dict)
    """Calls by gRPC status name, as their caller saw them: after the mesh's retries."""
    hidden: int = 0
    """Calls whose first attempt failed and which a retry of the mesh made good."""
    given_up: int = 0
    """Calls that were cancelled while the version had them, without a status. A version that hangs has only these."""
    latency: Mapping[float, int] = field(default_factory=dict)
    """Upper bound in milliseconds -> calls that took no longer; the last bound is infinity."""

    def since(self, earlier: Counters) -> Counters:
        """What was counted since `earlier`; everything, when a number has become smaller: then it began anew."""
        if self._began_anew_after(earlier):
            return self
        return Counters(
            _less(self.statuses, earlier.statuses),
            self.hidden - earlier.hidden,
            max(0, self.given_up - earlier.given_up),  # a difference of two numbers that are not read in one moment
            _less(self.latency, earlier.latency),
        )

    def counts(self) -> Counts:
        """The same as the judge sees it: what went wrong at the first attempt is an error, retried or not."""
        statuses = {name: number for name, number in self.statuses.items() if number}
        if self.given_up:
            statuses[GIVEN_UP] = self.given_up
        bad = sum(number for name, number in statuses.items() if name in _ERRORS)
        requests = sum(statuses.values())
        return Counts(requests, min(requests, bad + self.hidden), statuses, Histogram.of_cumulative(self.latency))

    def _began_anew_after(self, earlier: Counters) -> bool:
        return (
            self.hidden < earlier.hidden
            or any(self.statuses.get(name, 0) < number for name, number in earlier.statuses.items())
            or any(self.latency.get(bound, 0) < number for bound, number in earlier.latency.items())
        )


def _less(later: Mapping[_Key, int], earlier: Mapping[_Key, int]) -> dict[_Key, int]:
    return {key: number - earlier.get(key, 0) for key, number in later.items()}
