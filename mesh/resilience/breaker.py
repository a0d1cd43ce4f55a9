"""May this peer be called? Not while it keeps failing; then gently, one trial at a time.

    closed ----- failure_rate of at least min_calls in the window -----> open
    open ------- open_for seconds (doubling, jittered) have passed ----> half-open
    half-open -- successes_to_close trials in turn succeed ------------> closed
    half-open -- a trial fails ----------------------------------------> open

pybreaker holds the state and tells our listener about transitions. Nothing ever runs inside it: its own
`call` holds a lock for the whole call, counts cancellation as failure, lets every caller through when
half-open and trips on consecutive failures only. Admission and judgement are here instead.

No I/O, no lock, no timer: callers report what happened and say when. One breaker guards one method group
of one peer on one event loop. Numbers: policy.BreakerPolicy. Shape: resilience4j (window, minimum, permits),
sony/gobreaker (generations).
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pybreaker

from mesh.resilience.errors import CircuitOpen
from mesh.resilience.events import (
    CircuitClosed,
    CircuitCreated,
    CircuitHalfOpened,
    CircuitOpened,
    Event,
    Listeners,
)
from mesh.resilience.policy import BreakerPolicy
from mesh.resilience.rolling import RollingCount
from mesh.resilience.verdicts import FAILED, HEALTHY, NEUTRAL, Health

CLOSED, OPEN, HALF_OPEN = pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN


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
        self._circuit = pybreaker.CircuitBreaker(
            name=f"{peer}/{group}", listeners=[self._telling], state_storage=self._storage
        )
        self._calls = RollingCount(policy.window)
        self._failures = RollingCount(policy.window)
        self._generation = 0  # grows with each transition
        self._trials = 0  # under way
        self._successes = 0  # of trials, in this half-open period
        self._openings = 0  # since the circuit was last closed
        self._reopens_at = 0.0
        listeners.publish(CircuitCreated(peer, group))

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`. Open turns half-open when a call asks, not when time passes."""
        return self._storage.state

    def rejects_at(self, when: float) -> bool:
        """Whether a call at `when` is sure to be rejected."""
        return self.state == OPEN and when < self._reopens_at

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

    def settle(self, generation: int, health: Health, now: float) -> None:
        """Learn how an admitted call ended."""
        if generation != self._generation:
            return  # it began before the last transition and says nothing about the peer as it is now
        if self._storage.state == CLOSED:
            self._learn(health, now)
        else:
            self._trials -= 1
            self._learn_from_trial(health, now)

    def _learn(self, health: Health, now: float) -> None:
        if health is NEUTRAL:
            return
        self._calls.add(now)
        if health is HEALTHY:
            return  # a success never opens a circuit, even when it makes up the minimum
        self._failures.add(now)
        calls, failures = self._calls.total(now), self._failures.total(now)
        if calls >= self._policy.min_calls and failures >= self._policy.failure_rate * calls:
            self._open(now, failures, calls)

    def _learn_from_trial(self, health: Health, now: float) -> None:
        if health is FAILED:
            self._open(now, 1, 1)
        elif health is HEALTHY:
            self._successes += 1
            if self._successes >= self._policy.successes_to_close:
                self._openings = 0
                self._enter(self._circuit.close, CircuitClosed(self.peer, self.group))

    def _open(self, now: float, failures: int, calls: int) -> None:
        grown = min(self._policy.open_for * 2**self._openings, self._policy.open_limit)
        self._openings += 1
        open_for = grown * self._spread(1 - self._policy.jitter, 1 + self._policy.jitter)
        self._reopens_at = now + open_for
        self._enter(self._circuit.open, CircuitOpened(self.peer, self.group, failures, calls, open_for))

    def _enter(self, transition: Callable[[], object], event: Event) -> None:
        self._generation += 1
        self._trials = self._successes = 0
        self._calls.clear()
        self._failures.clear()
        self._telling.event = event
        transition()


class NoBreaker:
    """Admits everything and learns nothing: the negative control."""

    def admit(self, now: float) -> int:  # noqa: ARG002 - the breaker's signature
        return 0

    def settle(self, generation: int, health: Health, now: float) -> None:
        """Forget it."""

    def rejects_at(self, when: float) -> bool:  # noqa: ARG002 - the breaker's signature
        return False
