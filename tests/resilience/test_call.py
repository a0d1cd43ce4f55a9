"""The layers of one call, and what each attempt teaches the breaker: under a fake clock."""

import asyncio

import pytest
from grpc import StatusCode

from mesh.resilience import BreakerPolicy, CircuitOpen, DeadlineSpent, MethodPolicy, deadline
from mesh.resilience.events import AttemptEnded, CallEnded, CallRejected
from mesh.resilience.verdicts import FAILED
from tests.resilience.scripted import Bench

TOUCHY = BreakerPolicy(min_calls=1)  # one failure opens it: what counts as one is the question
OK = StatusCode.OK


# The deadline


async def test_rule_01_every_call_has_a_timeout() -> None:
    it = Bench(policy=MethodPolicy(timeout=2.0))
    wire = it.wire(OK)
    await it.call(wire)
    assert wire.allowed == [2.0]


async def test_a_caller_may_shorten_the_timeout_and_not_lengthen_it() -> None:
    it = Bench(policy=MethodPolicy(timeout=2.0))
    wire = it.wire(OK)
    await it.call(wire, timeout=0.5)
    await it.call(wire, timeout=60.0)
    assert wire.allowed == [0.5, 2.0]


async def test_rule_02_the_inherited_deadline_bounds_the_call() -> None:
    it = Bench(policy=MethodPolicy(timeout=2.0))
    wire = it.wire(OK)
    with deadline.adopt(0.75, margin=0.25, clock=it.time):
        await it.call(wire)
    with deadline.adopt(60.0, clock=it.time):
        await it.call(wire)
    assert wire.allowed == [0.5, 2.0]


async def test_a_call_with_no_time_left_touches_neither_wire_nor_breaker() -> None:
    it = Bench(policy=MethodPolicy(idempotent=True), breaker_policy=TOUCHY)
    wire = it.wire(OK)
    with deadline.adopt(0.0, clock=it.time):
        error = await it.fails(wire)
    assert isinstance(error, DeadlineSpent)
    assert (error.peer, error.method) == ("peer", "/t.T/U")
    assert error.code() is StatusCode.DEADLINE_EXCEEDED
    assert wire.attempts == 0
    assert it.breaker.state == "closed"
    assert it.seen(AttemptEnded) == []
    assert [(ended.code, ended.attempts) for ended in it.seen(CallEnded)] == [(StatusCode.DEADLINE_EXCEEDED, 0)]


# What the breaker learns


@pytest.mark.parametrize(
    "code",
    [
        StatusCode.UNAVAILABLE,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.DATA_LOSS,
        StatusCode.DEADLINE_EXCEEDED,
    ],
)
async def test_rule_14_what_the_peer_could_not_answer_is_a_failure(code: StatusCode) -> None:
    it = Bench(breaker_policy=TOUCHY)
    await it.fails(it.wire(code))
    assert it.breaker.state == "open"


async def test_rule_14_peer_cancelled_is_a_failure() -> None:
    it = Bench(breaker_policy=TOUCHY)
    await it.fails(it.wire(StatusCode.CANCELLED))
    assert it.breaker.state == "open"


@pytest.mark.parametrize(
    "code",
    [
        StatusCode.NOT_FOUND,
        StatusCode.ALREADY_EXISTS,
        StatusCode.INVALID_ARGUMENT,
        StatusCode.FAILED_PRECONDITION,
        StatusCode.OUT_OF_RANGE,
        StatusCode.PERMISSION_DENIED,
        StatusCode.UNAUTHENTICATED,
        StatusCode.UNIMPLEMENTED,
        StatusCode.ABORTED,
    ],
)
async def test_rule_14_business_codes_never_trip(code: StatusCode) -> None:
    it = Bench(breaker_policy=TOUCHY)
    for _ in range(50):
        await it.fails(it.wire(code))
    assert it.breaker.state == "closed"


async def test_rule_14_quota_never_trips() -> None:
    it = Bench(breaker_policy=TOUCHY)
    await it.fails(it.wire(StatusCode.RESOURCE_EXHAUSTED))
    assert it.breaker.state == "closed"


async def test_rule_14_local_cancel_is_neutral() -> None:
    it = Bench(breaker_policy=TOUCHY)
    with pytest.raises(asyncio.CancelledError):
        await it.call(it.wire(asyncio.CancelledError()))
    assert it.breaker.state == "closed"


async def test_our_own_bug_is_neutral_and_told_as_unknown() -> None:
    it = Bench(breaker_policy=TOUCHY)
    with pytest.raises(TypeError):
        await it.call(it.wire(TypeError("ours")))
    assert it.breaker.state == "closed"
    assert [(ended.peer, ended.code) for ended in it.seen(CallEnded)] == [("peer", StatusCode.UNKNOWN)]


async def test_rule_14_an_unfairly_short_attempt_is_neutral() -> None:
    it = Bench(policy=MethodPolicy(timeout=2.0, fair_timeout=0.5), breaker_policy=TOUCHY)
    with deadline.adopt(0.4, margin=0.0, clock=it.time):
        await it.fails(it.wire(StatusCode.DEADLINE_EXCEEDED))
    assert it.breaker.state == "closed"
    with deadline.adopt(0.6, margin=0.0, clock=it.time):
        await it.fails(it.wire(StatusCode.DEADLINE_EXCEEDED))
    assert it.breaker.state == "open"


async def test_rule_14_an_attempt_given_just_the_fair_time_is_judged() -> None:
    it = Bench(policy=MethodPolicy(timeout=2.0, per_try_timeout=0.5, fair_timeout=0.5), breaker_policy=TOUCHY)
    await it.fails(it.wire(StatusCode.DEADLINE_EXCEEDED))
    assert it.breaker.state == "open"


async def test_an_unfairly_short_attempt_that_was_refused_is_still_a_failure() -> None:
    it = Bench(policy=MethodPolicy(timeout=2.0, fair_timeout=0.5), breaker_policy=TOUCHY)
    with deadline.adopt(0.4, clock=it.time):
        await it.fails(it.wire(StatusCode.UNAVAILABLE))
    assert it.breaker.state == "open"


# Open and half-open, seen from the caller


async def test_an_open_circuit_keeps_the_call_off_the_wire_and_says_so() -> None:
    it = Bench(breaker_policy=TOUCHY)
    await it.fails(it.wire(StatusCode.UNAVAILABLE))
    wire = it.wire(OK)
    error = await it.fails(wire)
    assert isinstance(error, CircuitOpen)
    assert error.code() is StatusCode.UNAVAILABLE
    assert wire.attempts == 0
    assert it.seen(CallRejected) == [CallRejected("peer", "/t.T/U", "group", 5.0)]
    assert [(ended.code, ended.attempts) for ended in it.seen(CallEnded)][-1] == (StatusCode.UNAVAILABLE, 0)


async def test_rule_13_half_open_lets_one_of_fifty_concurrent_callers_through() -> None:
    it = Bench(breaker_policy=TOUCHY)
    it.breaker.settle(it.breaker.admit(it.time()), FAILED, it.time())
    it.time.pass_by(5.0)
    release, on_the_wire = asyncio.Event(), 0

    async def slow(allowed: float) -> str:
        nonlocal on_the_wire
        on_the_wire += 1
        await release.wait()
        return "answer"

    callers = [asyncio.create_task(it.call(slow)) for _ in range(50)]
    await asyncio.sleep(0)  # every caller has asked; the admitted wait for the event
    assert on_the_wire == 1
    release.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert results.count("answer") == 1
    assert sum(isinstance(result, CircuitOpen) for result in results) == 49


async def test_rule_13_a_cancelled_trial_lets_the_next_caller_try() -> None:
    it = Bench(breaker_policy=TOUCHY)
    it.breaker.settle(it.breaker.admit(it.time()), FAILED, it.time())
    it.time.pass_by(5.0)
    trial = asyncio.create_task(it.call(lambda _: asyncio.Event().wait()))
    await asyncio.sleep(0)
    assert isinstance(await it.fails(it.wire(OK)), CircuitOpen)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert await it.call(it.wire(OK)) == "answer"


async def test_a_cancelled_trial_is_no_success() -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1, successes_to_close=1))
    it.breaker.settle(it.breaker.admit(it.time()), FAILED, it.time())
    it.time.pass_by(5.0)
    with pytest.raises(asyncio.CancelledError):
        await it.call(it.wire(asyncio.CancelledError()))
    assert it.breaker.state == "half-open"


async def test_breaker_does_not_serialise_calls() -> None:
    it = Bench()
    together = asyncio.Barrier(20)  # opens only when all twenty calls are on the wire at once
    await asyncio.gather(*(it.call(lambda _: together.wait()) for _ in range(20)))
