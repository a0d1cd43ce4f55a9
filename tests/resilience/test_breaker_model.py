"""The breaker against a model that remembers everything and is too slow and simple to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mesh.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker
from mesh.resilience.errors import CircuitOpen
from mesh.resilience.events import Forced, Listeners
from mesh.resilience.policy import BreakerPolicy
from mesh.resilience.verdicts import FAILED, HEALTHY, NEUTRAL, SLOW, Health

# Whole seconds and buckets of half a second: no call falls on a bucket's edge by rounding.
POLICY = BreakerPolicy(
    window=10.0, min_calls=4, failure_rate=0.5, slow_rate=0.75, open_for=5.0, open_limit=20.0, jitter=0.0
)
RATES = {FAILED: POLICY.failure_rate, SLOW: POLICY.slow_rate}
ORDERS: dict[Forced | None, Callable[[Breaker], None]] = {
    "open": Breaker.force_open,
    "closed": Breaker.force_closed,
    None: Breaker.reset,
}


@dataclass
class Period:
    """What happened since the last transition."""

    state: str
    since: int
    forced: Forced | None = None
    outcomes: list[tuple[int, Health]] = field(default_factory=list)
    under_way: int = 0


class Model:
    """A breaker told in periods: each begins with a transition and forgets the one before."""

    def __init__(self) -> None:
        self.period = Period(CLOSED, 0)
        self.openings = 0

    @property
    def open_for(self) -> float:
        doubled: float = POLICY.open_for * 2 ** (self.openings - 1)
        return min(doubled, POLICY.open_limit)

    def admit(self, now: int) -> Period | None:
        period = self.period
        if period.state == OPEN and not period.forced and now >= period.since + self.open_for:
            period = self.period = Period(HALF_OPEN, now)
        if period.state == OPEN or (period.state == HALF_OPEN and period.under_way >= POLICY.trials):
            return None
        period.under_way += 1
        return period

    def settle(self, admitted: Period, health: Health, now: int) -> None:
        if admitted is not self.period or admitted.forced:
            return
        admitted.under_way -= 1
        admitted.outcomes.append((now, health))
        bad = health in (FAILED, SLOW)
        if bad and (admitted.state == HALF_OPEN or self._too_many(health, now)):
            self.openings += 1
            self.period = Period(OPEN, now)
        elif admitted.state == HALF_OPEN:
            successes = [outcome for _, outcome in admitted.outcomes if outcome is HEALTHY]
            if len(successes) == POLICY.successes_to_close:
                self.openings = 0
                self.period = Period(CLOSED, now)

    def force(self, to: Forced | None, now: int) -> None:
        self.openings = 0
        self.period = Period(OPEN if to == "open" else CLOSED, now, forced=to)

    def _too_many(self, bad: Health, now: int) -> bool:
        recent = [health for at, health in self.period.outcomes if at > now - POLICY.window and health is not NEUTRAL]
        return len(recent) >= POLICY.min_calls and recent.count(bad) >= RATES[bad] * len(recent)


class BreakerAndModel(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.now = 0
        self.breaker = Breaker("peer", "group", POLICY, listeners=Listeners())
        self.model = Model()
        self.under_way: list[tuple[int, Period]] = []

    @rule(seconds=st.integers(1, 12))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def a_call_asks(self) -> None:
        expected = self.model.admit(self.now)
        try:
            generation = self.breaker.admit(self.now)
        except CircuitOpen:
            assert expected is None
        else:
            assert expected is not None
            self.under_way.append((generation, expected))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0), health=st.sampled_from([HEALTHY, FAILED, SLOW, NEUTRAL]))
    def a_call_ends(self, which: int, health: Health) -> None:
        generation, admitted = self.under_way.pop(which % len(self.under_way))
        self.breaker.settle(generation, health, self.now)
        self.model.settle(admitted, health, self.now)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0), health=st.sampled_from([HEALTHY, SLOW]))
    def a_stream_begins_to_answer(self, which: int, health: Health) -> None:
        which %= len(self.under_way)
        generation, admitted = self.under_way[which]
        left = self.breaker.answered(generation, health, self.now)
        if self.model.period.state == HALF_OPEN:
            self.model.settle(admitted, health, self.now)
            admitted = Period(CLOSED, self.now)  # one of its own: its end says nothing any more
        self.under_way[which] = left, admitted

    @rule(count=st.integers(1, 6), health=st.sampled_from([HEALTHY, FAILED, SLOW]))
    def calls_end_alike(self, count: int, health: Health) -> None:
        for _ in range(count):
            before = len(self.under_way)
            self.a_call_asks()
            if len(self.under_way) > before:
                self.a_call_ends(before, health)

    @rule(to=st.sampled_from([*ORDERS]))
    def an_operator_decides(self, to: Forced | None) -> None:
        ORDERS[to](self.breaker)
        self.model.force(to, self.now)

    @invariant()
    def they_agree(self) -> None:
        assert (self.breaker.state, self.breaker.forced) == (self.model.period.state, self.model.period.forced)


BreakerAndModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreakerAgreesWithItsModel = BreakerAndModel.TestCase
