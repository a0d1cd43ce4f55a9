"""Whole calls, one after the other, against a model that reads like the rules of retrying."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from grpc import StatusCode
from grpc.aio import AioRpcError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mesh.resilience import BreakerPolicy, BudgetPolicy, DeadlineSpent, MethodPolicy
from mesh.resilience.events import RetryRefused
from tests.resilience.scripted import Bench, failure

UNAVAILABLE, EXHAUSTED, EXCEEDED = (
    StatusCode.UNAVAILABLE,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.DEADLINE_EXCEEDED,
)
CODES = (StatusCode.OK, UNAVAILABLE, UNAVAILABLE, EXHAUSTED, StatusCode.INTERNAL, StatusCode.NOT_FOUND)
# Times are whole seconds, but for waits the server did not ask for, which are next to nothing, and for the fair
# timeout: so that nothing comes out even.
POLICY = MethodPolicy(timeout=20.0, per_try_timeout=6.0, fair_timeout=1.5, backoff=1e-6, backoff_limit=1e-6)
BUDGET = BudgetPolicy(ratio=0.25, floor=0.2, window=20.0)
PATIENT = BreakerPolicy(min_calls=1_000_000)


@dataclass(frozen=True)
class Line:
    """What one attempt meets: after so many seconds this code, with this pushback in seconds."""

    seconds: int
    code: StatusCode
    told: int | None


SCRIPTS = st.lists(
    st.builds(Line, st.integers(1, 8), st.sampled_from(CODES), st.sampled_from([None, None, 0, 3, -1])),
    min_size=3,
    max_size=3,
)


class Model:
    """What should become of a call."""

    def __init__(self) -> None:
        self.now = 0
        self.calls: list[int] = []
        self.retries: list[int] = []

    def play(self, script: list[Line], timeout: int, *, idempotent: bool) -> tuple[StatusCode, int, str | None]:
        """The code its caller gets, the attempts made, and why a wanted retry was refused."""
        until = self.now + timeout
        self.calls.append(self.now)
        for attempt, line in enumerate(script, start=1):
            allowed = min(6, until - self.now)
            late = line.seconds >= allowed
            code = EXCEEDED if late else line.code
            told = None if late else line.told
            cut_short = late and allowed < until - self.now
            self.now += min(line.seconds, allowed)
            if not (idempotent and self.worth_another(code, told, cut_short=cut_short)):
                return code, attempt, None
            if refused := self.refused(attempt, until, told or 0):
                return code, attempt, refused
            self.retries.append(self.now)
            self.now += told or 0
        raise AssertionError("a fourth attempt")

    def worth_another(self, code: StatusCode, told: int | None, *, cut_short: bool) -> bool:
        if told == -1:
            return False
        return code is UNAVAILABLE or (code is EXHAUSTED and told is not None) or (code is EXCEEDED and cut_short)

    def refused(self, attempt: int, until: int, wait: int) -> str | None:
        if attempt == 3:
            return "attempts"
        if self.now + wait + 1.5 > until:
            return "deadline"
        calls = sum(at > self.now - 20 for at in self.calls)
        retries = sum(at > self.now - 20 for at in self.retries)
        return None if retries + 1 <= 0.25 * calls + 4 else "budget"


class RetriesAndModel(RuleBasedStateMachine):
    @initialize(idempotent=st.booleans())
    def start(self, idempotent: bool) -> None:
        self.runner = asyncio.Runner()
        policy = replace(POLICY, idempotent=idempotent)
        self.it = Bench(policy=policy, budget_policy=BUDGET, breaker_policy=PATIENT)
        self.it.time.now = 0.0
        self.model = Model()

    def teardown(self) -> None:
        self.runner.close()

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds: int) -> None:
        self.it.time.pass_by(seconds)
        self.model.now += seconds

    @rule(script=SCRIPTS, timeout=st.integers(1, 20))
    def a_call_is_made(self, script: list[Line], timeout: int) -> None:
        told = len(self.it.seen(RetryRefused))
        code, attempts = self.runner.run(self.call(script, timeout))
        refused = [event.reason for event in self.it.seen(RetryRefused)[told:]]
        expected = self.model.play(script, timeout, idempotent=self.it.policy.idempotent)
        assert (code, attempts, refused) == (*expected[:2], [expected[2]] if expected[2] else [])
        self.it.time.now = float(self.model.now)  # without the waits that are next to nothing

    async def call(self, script: list[Line], timeout: int) -> tuple[StatusCode, int]:
        attempts = 0

        async def wire(allowed: float) -> Any:
            nonlocal attempts
            line = script[attempts]
            attempts += 1
            if line.seconds >= round(allowed, 3):
                self.it.time.pass_by(allowed)
                raise failure(EXCEEDED)
            self.it.time.pass_by(line.seconds)
            if line.code is StatusCode.OK:
                return "answer"
            trailers = () if line.told is None else (("grpc-retry-pushback-ms", str(line.told * 1000)),)
            raise failure(line.code, trailers)

        try:
            await self.it.call(wire, float(timeout))
        except DeadlineSpent:
            raise AssertionError("a retry was begun without time") from None
        except AioRpcError as error:
            return error.code(), attempts
        return StatusCode.OK, attempts


RetriesAndModel.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestRetriesAgreeWithTheirModel = RetriesAndModel.TestCase
