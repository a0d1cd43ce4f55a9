"""Places and trials under concurrency: calls that start, end, fail and are cancelled in any order, and a model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from grpc import StatusCode
from grpc.aio import AioRpcError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mesh.resilience import BreakerPolicy, BulkheadFull, CircuitOpen, MethodPolicy
from mesh.resilience.events import CircuitClosed, CircuitHalfOpened, CircuitOpened
from tests.resilience.scripted import Bench, failure

LIMIT = 3
BREAKER = BreakerPolicy(min_calls=2, failure_rate=1.0, open_for=5.0, open_limit=5.0, trials=2, successes_to_close=2)


TRANSITIONS = (CircuitOpened, CircuitHalfOpened, CircuitClosed)


@dataclass
class OnTheWire:
    """One attempt, the hand that ends it, and how many transitions the breaker had made when it began."""

    task: asyncio.Task[Any]
    end: asyncio.Future[str]
    period: int


class BulkheadAndBreaker(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.it = Bench(policy=MethodPolicy(), breaker_policy=BREAKER, limit=LIMIT)
        self.wire: list[OnTheWire] = []

    def teardown(self) -> None:
        for call in self.wire:
            self.runner.run(self.finish(call, "cancel"))
        self.runner.close()

    @property
    def period(self) -> int:
        return sum(isinstance(event, TRANSITIONS) for event in self.it.events)

    def expected(self) -> type[AioRpcError] | None:
        """What a call that begins now should be told, if it should not be let through."""
        breaker = self.it.breaker
        if len(self.wire) == LIMIT:
            return BulkheadFull
        if breaker.state == "half-open":
            trials = sum(call.period == self.period for call in self.wire)
            return CircuitOpen if trials == BREAKER.trials else None
        return CircuitOpen if breaker.reopens_in(self.it.time()) > 0 else None

    @rule()
    def a_call_begins(self) -> None:
        self.runner.run(self.begin())

    async def begin(self) -> None:
        expected = self.expected()
        end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self.it.call(lambda _: end))
        await asyncio.sleep(0)
        if task.done():
            assert type(task.exception()) is expected
        else:
            assert expected is None
            self.wire.append(OnTheWire(task, end, self.period))

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0), how=st.sampled_from(["answer", "fail", "cancel"]))
    def a_call_ends(self, which: int, how: str) -> None:
        self.runner.run(self.finish(self.wire.pop(which % len(self.wire)), how))

    async def finish(self, call: OnTheWire, how: str) -> None:
        if how == "cancel":
            call.task.cancel()
        elif how == "fail":
            call.end.set_exception(failure(StatusCode.UNAVAILABLE))
        else:
            call.end.set_result("answer")
        await asyncio.gather(call.task, return_exceptions=True)
        assert call.task.cancelled() == (how == "cancel")

    @rule(seconds=st.integers(1, 7))
    def time_passes(self, seconds: int) -> None:
        self.it.time.pass_by(seconds)

    @invariant()
    def places_taken_are_attempts_on_the_wire(self) -> None:
        assert self.it.bulkhead.in_flight == len(self.wire)


BulkheadAndBreaker.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBulkheadAndBreakerGiveEverythingBack = BulkheadAndBreaker.TestCase
