"""A breaker and the clock it is used with."""

from __future__ import annotations

from collections.abc import Callable

from mesh.resilience.breaker import HALF_OPEN, OPEN, Breaker
from mesh.resilience.errors import CircuitOpen
from mesh.resilience.events import Event, Listener, Listeners
from mesh.resilience.policy import BreakerPolicy
from mesh.resilience.verdicts import FAILED, NEUTRAL, Health
from tests.resilience.fake_time import FakeTime

POLICY = BreakerPolicy(window=10.0, min_calls=20, failure_rate=0.5, open_for=5.0, open_limit=60.0)


class Circuit:
    """The circuit to payments, and what it told."""

    def __init__(
        self,
        policy: BreakerPolicy = POLICY,
        *,
        spread: Callable[[float, float], float] = lambda low, high: 1.0,  # noqa: ARG005
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        self.time = FakeTime()
        self.events: list[Event] = []
        self.breaker = Breaker(
            "payments", "charge", policy, listeners=Listeners([*listeners, self.events.append]), spread=spread
        )

    @property
    def state(self) -> str:
        return self.breaker.state

    def admit(self) -> int:
        return self.breaker.admit(self.time())

    def settle(self, generation: int, health: Health) -> None:
        self.breaker.settle(generation, health, self.time())

    def calls(self, *healths: Health) -> None:
        for health in healths:
            self.settle(self.admit(), health)

    def open(self) -> None:
        self.calls(*[FAILED] * POLICY.min_calls)
        assert self.state == OPEN

    def half_open(self) -> int:
        """The generation of the one trial under way."""
        self.open()
        self.time.pass_by(POLICY.open_for)
        trial = self.admit()
        assert self.state == HALF_OPEN
        return trial

    def rejects(self) -> bool:
        try:
            generation = self.admit()
        except CircuitOpen:
            return True
        self.settle(generation, NEUTRAL)
        return False
