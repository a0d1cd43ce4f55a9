"""A peer that answers, but too late to be of use."""

from collections.abc import AsyncIterator

import pytest
from grpc import StatusCode

from mesh.resilience.breaker import CLOSED, HALF_OPEN, OPEN
from mesh.resilience.events import CircuitOpened
from mesh.resilience.policy import BreakerPolicy, MethodPolicy
from mesh.resilience.verdicts import FAILED, HEALTHY, NEUTRAL, SLOW
from tests.resilience.circuit import Circuit
from tests.resilience.scripted import Bench

LAZY = BreakerPolicy(min_calls=10, failure_rate=0.5, slow_after=1.0, slow_rate=0.8, open_for=5.0)


def test_slow_answers_open_it_at_their_own_rate() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(HEALTHY, HEALTHY, *[SLOW] * 7)
    assert circuit.state == CLOSED
    circuit.calls(SLOW)
    assert circuit.state == OPEN
    assert circuit.events[-1] == CircuitOpened("payments", "charge", failures=0, calls=10, open_for=5.0, slow=8)


def test_fewer_slow_answers_than_the_rate_never_open_it() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(*[HEALTHY, SLOW, SLOW, SLOW] * 100)
    assert circuit.state == CLOSED


def test_a_slow_answer_is_no_failure_and_a_failure_is_not_slow() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(HEALTHY, *[SLOW] * 5, *[FAILED] * 4)
    assert circuit.breaker.counts(circuit.time()) == (10, 4, 5)
    assert circuit.state == CLOSED


def test_a_slow_answer_does_not_open_it_for_earlier_failures() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(*[FAILED] * 9, SLOW)
    assert circuit.state == CLOSED


def test_slow_answers_are_forgotten_after_the_window() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(*[SLOW] * 9)
    circuit.time.pass_by(LAZY.window + 0.1)
    circuit.calls(*[SLOW] * 9)
    assert circuit.state == CLOSED


def test_a_closed_again_circuit_remembers_no_slow_answers() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(*[SLOW] * 10)
    circuit.time.pass_by(5.0)
    circuit.calls(HEALTHY, HEALTHY, HEALTHY)
    circuit.calls(*[HEALTHY] * 9, SLOW)
    assert circuit.breaker.counts(circuit.time()) == (10, 0, 1)
    assert circuit.state == CLOSED


def test_a_slow_trial_opens_it_again() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(*[FAILED] * 10)
    circuit.time.pass_by(5.0)
    circuit.calls(HEALTHY, SLOW)
    assert circuit.state == OPEN
    assert circuit.events[-1] == CircuitOpened("payments", "charge", failures=0, calls=1, open_for=10.0, slow=1)


@pytest.mark.parametrize(("seconds", "state"), [(1.0, CLOSED), (1.001, OPEN)])
async def test_an_answer_is_slow_when_it_took_longer_than_slow_after(seconds: float, state: str) -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1, slow_after=1.0))
    it.time.now = 0.0  # 1.0 is exact from here
    await it.call(it.wire((seconds, "answer")))
    assert it.breaker.state == state


@pytest.mark.parametrize(("first", "rest", "state"), [(0.5, 60.0, CLOSED), (1.5, 0.0, OPEN)])
async def test_a_stream_is_slow_when_its_first_message_is(first: float, rest: float, state: str) -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1, slow_after=1.0), policy=MethodPolicy(timeout=100.0))

    class Stream:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            it.time.pass_by(first)
            yield b"1"
            it.time.pass_by(rest)
            yield b"2"

        def cancel(self) -> bool:
            return False

    assert [message async for message in it.method.stream(lambda _: Stream(), None)] == [b"1", b"2"]
    assert it.breaker.state == state


async def test_an_empty_stream_is_slow_when_its_end_is() -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1, slow_after=1.0))

    class Empty:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            it.time.pass_by(1.5)
            for _ in ():
                yield b""

        def cancel(self) -> bool:
            return False

    assert [message async for message in it.method.stream(lambda _: Empty(), None)] == []
    assert it.breaker.state == OPEN


@pytest.mark.parametrize(("code", "state"), [(StatusCode.NOT_FOUND, OPEN), (StatusCode.RESOURCE_EXHAUSTED, CLOSED)])
async def test_a_business_code_can_be_slow_and_a_quota_cannot(code: StatusCode, state: str) -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1, slow_after=1.0), policy=MethodPolicy())
    await it.fails(it.wire((1.5, code)))
    assert it.breaker.state == state


async def test_without_slow_after_nothing_is_slow() -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1))
    await it.call(it.wire((4.9, "answer")))
    assert it.breaker.state == CLOSED


async def test_a_local_cancel_is_neutral_however_late_it_comes() -> None:
    circuit = Circuit(LAZY)
    circuit.calls(*[SLOW] * 10)
    circuit.time.pass_by(5.0)
    circuit.calls(NEUTRAL)
    assert circuit.state == HALF_OPEN


async def test_a_slow_answer_is_counted_as_slow_and_not_as_a_failure() -> None:
    it = Bench(breaker_policy=BreakerPolicy(slow_after=1.0))
    await it.call(it.wire((1.5, "answer")))
    assert it.breaker.counts(it.time()) == (1, 0, 1)
