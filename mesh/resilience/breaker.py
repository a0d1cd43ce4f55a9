"""May this peer be called? Not while it keeps failing; then gently, one trial at a time.

    closed ----- failure_rate or slow_rate of min_calls or more -------> open
    open ------- open_for seconds (doubling, jittered) have passed ----> half-open
    half-open -- successes_to_close trials in turn succeed ------------> closed
    half-open -- a trial fails or is slow -----------------------------> open
    any -------- an operator's force_open, force_closed ---------------> held there, until reset

pybreaker holds the state and tells our listener about transitions. Nothing ever runs inside it: its own
`call` holds a lock for the whole call, counts cancellation as failure, lets every caller through when
half-open and trips on consecutive failures only. Admission and judgement are here instead.

No I/O, no lock, no timer: callers report what happened and say when. One breaker guards one method group
of one peer on one event loop. Numbers: policy.BreakerPolicy. Shape: resilience4j (window, minimum, permits),
sony/gobreaker (generations).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import pybreaker

from mesh.resilience.errors import CircuitOpen
from mesh.resilience.events import (
    CircuitClosed,
    CircuitCreated,
    CircuitForced,
    CircuitHalfOpened,
    CircuitOpened,
    Event,
    Forced,
    Listeners,
)
from mesh.resilience.policy import BreakerPolicy
from mesh.resilience.rolling import RollingCount
from mesh.resilience.verdicts import FAILED, HEALTHY, NEUTRAL, SLOW, Health

CLOSED, OPEN, HALF_OPEN = pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN
SETTLED = -1  # the generation of a call from which there is nothing left to learn


class Counts(NamedTuple):
    """What a closed breaker has seen in its window."""

    calls: int
    failures: int
    slow: int


class _Telling(pybreaker.CircuitBreakerListener):
    """Hears pybreaker's transitions and tells ours. Never raises: pybreaker would forget the transition."""

    event: Event  # what the coming transition means

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def state_change(self, cb: object, old_state: object, new_state: object) -> None:  # noqa: ARG002 - pybreaker's
        self._listeners.publish(self.event)


class Breaker:
    """The circuit to one method group of one peer."""

    def __init__(
        self,
        peer: str,
        group: str,
        policy: BreakerPolicy,
        *,
        listeners: Listeners,
        spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.peer, self.group = peer, group
        self._policy, self._spread = policy, spread
        self._telling = _Telling(listeners)
        self._storage = pybreaker.CircuitMemoryStorage(CLOSED)
        self._circuit = pybreaker.CircuitBreaker(listeners=[self._telling], state_storage=self._storage)
        self.slow_after = math.inf if policy.slow_after is None else policy.slow_after
        self.forced: Forced | None = None
        self._calls = RollingCount(policy.window)
        self._failures = RollingCount(policy.window)
        self._slow = RollingCount(policy.window)
        self._generation = 0  # grows with each transition
        self._trials = 0  # under way
        self._successes = 0  # of trials, in this half-open period
        self._open_for = policy.open_for  # the next time; twice as long each time, until the circuit has closed
        self._reopens_at = 0.0  # lies ahead only while it is open
        listeners.publish(CircuitCreated(peer, group))

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`. Open turns half-open when a call asks, not when time passes."""
        return self._storage.state

    def counts(self, now: float) -> Counts:
        """What it judges by at `now`; a transition forgets it."""
        return Counts(self._calls.total(now), self._failures.total(now), self._slow.total(now))

    def reopens_in(self, now: float) -> float:
        """Seconds until a trial is let through: 0.0 unless it is open, and when an operator holds it so."""
        return max(0.0, self._reopens_at - now) if self.forced is None else 0.0

    def rejects_at(self, when: float) -> bool:
        """Whether a call at `when` is sure to be rejected."""
        return when < self._reopens_at

    def admit(self, now: float) -> int:
        """Let one call through: the generation to settle it with. Raises CircuitOpen.

        Whoever is admitted must settle, whatever happens to the call; see call.Attempt.
        """
        if self._storage.state == CLOSED:
            return self._generation
        if self.state == OPEN:
            if now < self._reopens_at:
                raise CircuitOpen(self.peer, self.group, self._reopens_at - now)
            self._enter(self._circuit.half_open, CircuitHalfOpened(self.peer, self.group))
        if self._trials >= self._policy.trials:
            raise CircuitOpen(self.peer, self.group, 0.0)
        self._trials += 1
        return self._generation

    def answered(self, generation: int, health: Health, now: float) -> int:
        """Learn from a trial's first message, for its stream may last for hours: the generation to settle it with."""
        if self._storage.state != HALF_OPEN:
            return generation
        self.settle(generation, health, now)
        return SETTLED

    def settle(self, generation: int, health: Health, now: float) -> None:
        """Learn how an admitted call ended."""
        if generation != self._generation or self.forced is not None:
            return  # it began before the last transition, or an operator has decided: nothing to learn from it
        if self._storage.state == CLOSED:
            self._learn(health, now)
        else:
            self._trials -= 1
            self._learn_from_trial(health, now)

    def force_open(self) -> None:
        """An operator's order: reject every call, until told otherwise."""
        self._force("open", self._circuit.open, reopens_at=math.inf)

    def force_closed(self) -> None:
        """An operator's order: admit every call and learn nothing, until told otherwise."""
        self._force("closed", self._circuit.close)

    def reset(self) -> None:
        """An operator's order: decide for yourself again, starting closed and without a memory."""
        self._force(None, self._circuit.close)

    def _force(self, to: Forced | None, transition: Callable[[], object], *, reopens_at: float = 0.0) -> None:
        self.forced = to
        self._open_for, self._reopens_at = self._policy.open_for, reopens_at
        self._enter(transition, CircuitForced(self.peer, self.group, to or "automatic"))

    def _learn(self, health: Health, now: float) -> None:
        if health is NEUTRAL:
            return
        self._calls.add(now)
        if health is HEALTHY:
            return  # a success never opens a circuit, even when it makes up the minimum
        policy = self._policy
        count, rate = (self._slow, policy.slow_rate) if health is SLOW else (self._failures, policy.failure_rate)
        count.add(now)
        calls = self._calls.total(now)
        if calls >= policy.min_calls and count.total(now) >= rate * calls:
            self._open(now, self.counts(now))

    def _learn_from_trial(self, health: Health, now: float) -> None:
        if health is FAILED or health is SLOW:
            self._open(now, Counts(1, int(health is FAILED), int(health is SLOW)))
        elif health is HEALTHY:
            self._successes += 1
            if self._successes >= self._policy.successes_to_close:
                self._open_for = self._policy.open_for
                self._enter(self._circuit.close, CircuitClosed(self.peer, self.group))

    def _open(self, now: float, seen: Counts) -> None:
        open_for = self._open_for * self._spread(1 - self._policy.jitter, 1 + self._policy.jitter)
        self._open_for = min(self._open_for * 2, self._policy.open_limit)
        self._reopens_at = now + open_for
        opened = CircuitOpened(self.peer, self.group, seen.failures, seen.calls, open_for, seen.slow)
        self._enter(self._circuit.open, opened)

    def _enter(self, transition: Callable[[], object], event: Event) -> None:
        self._generation += 1
        self._trials = self._successes = 0
        self._calls.clear()
        self._failures.clear()
        self._slow.clear()
        self._telling.event = event
        transition()


class NoBreaker:
    """Admits everything and learns nothing: the negative control."""

    slow_after = math.inf

    def admit(self, now: float) -> int:  # noqa: ARG002 - the breaker's signature
        return 0

    def answered(self, generation: int, health: Health, now: float) -> int:  # noqa: ARG002 - the breaker's signature
        return generation

    def settle(self, generation: int, health: Health, now: float) -> None:
        """Forget it."""

    def rejects_at(self, when: float) -> bool:  # noqa: ARG002 - the breaker's signature
        return False
