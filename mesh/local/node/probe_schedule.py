"""When is a container probed next, and what do the answers so far mean?

Kubernetes' rules, with one choice of ours: until its first success a readiness or startup probe is tried every
50 ms, a little slower each time, instead of once in periodSeconds. Those quick tries can only succeed; failures
are counted once in a period, as on a cluster. A pod is Ready when it is, not up to a second later.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightkube.models.core_v1 import Probe

_EAGER_FIRST = 0.05
_EAGER_GROWTH = 1.15
_EAGER_MAXIMUM = 1.0


@dataclass(frozen=True)
class Thresholds:
    """A probe's numbers, in seconds and counts, with Kubernetes' defaults."""

    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    failures: int = 3
    successes: int = 1

    @classmethod
    def of(cls, probe: Probe) -> Thresholds:
        return cls(
            initial_delay=probe.initialDelaySeconds or 0.0,
            period=probe.periodSeconds or 10.0,
            timeout=probe.timeoutSeconds or 1.0,
            failures=probe.failureThreshold or 3,
            successes=probe.successThreshold or 1,
        )


class ProbeSchedule:
    """One probe of one running container. Times are seconds since the container's start."""

    def __init__(self, thresholds: Thresholds, *, eager: bool, passing: bool) -> None:
        self._thresholds = thresholds
        self._eager = eager
        self._pause = _EAGER_FIRST
        self._next = thresholds.initial_delay if eager else thresholds.initial_delay or thresholds.period
        self._count_failure_at = thresholds.initial_delay + (thresholds.period if eager else 0.0)
        self._in_a_row = 0
        self._last: bool | None = None
        self.passing = passing
        """What the probe means for its container now; `passing` of the constructor until proven otherwise."""

    @property
    def next_at(self) -> float:
        return self._next

    @property
    def given_up(self) -> bool:
        """Whether as many failures in a row were counted as the threshold allows."""
        return self._last is False and self._in_a_row >= self._thresholds.failures

    def learn(self, *, success: bool, now: float) -> bool:
        """Record an answer; True when it counted, so that a failure is worth an Event."""
        counted = success or now >= self._count_failure_at
        if counted:
            self._count(success=success)
            self._count_failure_at = now + self._thresholds.period
        if success:
            self._eager = False
        self._next = now + self._wait()
        return counted

    def _count(self, *, success: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if success is self._last else 1
        self._last = success
        needed = self._thresholds.successes if success else self._thresholds.failures
        if self._in_a_row >= needed:
            self.passing = success

    def _wait(self) -> float:
        if not self._eager:
            return self._thresholds.period
        pause, self._pause = self._pause, min(self._pause * _EAGER_GROWTH, _EAGER_MAXIMUM)
        return min(pause, self._thresholds.period)
