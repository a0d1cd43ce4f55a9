"""When a call is tried again, when it stops, and who pays: under a fake clock, through all layers."""

import asyncio
import random
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import BreakerPolicy, BudgetPolicy, CircuitOpen, MethodPolicy
from mesh.resilience.events import AttemptEnded, CallEnded, RetryRefused, RetryScheduled
from mesh.resilience.verdicts import FAILED
from tests.resilience.scripted import Bench, failure

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK
PLENTY = BudgetPolicy(ratio=1.0, floor=1000.0)
PATIENT = BreakerPolicy(min_calls=1_000_000)


def bench(**policy: Any) -> Bench:
    return Bench(policy=MethodPolicy(**{"idempotent": True, **policy}), budget_policy=PLENTY, breaker_policy=PATIENT)


async def test_a_passing_fault_is_not_seen_by_the_caller() -> None:
    it = bench()
    wire = it.wire(UNAVAILABLE, UNAVAILABLE, OK)
    assert await it.call(wire) == "answer"
    assert wire.attempts == 3


async def test_an_answer_at_once_is_one_attempt() -> None:
    it = bench()
    wire = it.wire(OK)
    await it.call(wire)
    assert (wire.attempts, it.time.slept) == (1, [])


async def test_rule_07_at_most_three_attempts_and_the_last_error_is_the_callers() -> None:
    it = bench()
    last = failure(UNAVAILABLE)
    wire = it.wire(UNAVAILABLE, UNAVAILABLE, last)
    assert await it.fails(wire) is last
    assert wire.attempts == 3
    assert it.seen(RetryRefused) == [RetryRefused("peer", "/t.T/U", "attempts")]


async def test_rule_05_a_method_that_is_not_idempotent_is_never_retried() -> None:
    it = bench(idempotent=False)
    wire = it.wire(UNAVAILABLE)
    await it.fails(wire)
    assert wire.attempts == 1
    assert it.seen(RetryRefused) == []  # nobody wanted one


async def test_not_idempotent_is_not_retried_even_when_the_server_says_when() -> None:
    it = bench(idempotent=False)
    wire = it.wire(failure(StatusCode.RESOURCE_EXHAUSTED, (("grpc-retry-pushback-ms", "10"),)))
    await it.fails(wire)
    assert wire.attempts == 1


@pytest.mark.parametrize("code", [code for code in StatusCode if code not in {OK, UNAVAILABLE}])
async def test_rule_06_only_unavailable_is_retried_when_nobody_says_more(code: StatusCode) -> None:
    it = bench()
    wire = it.wire(code)
    await it.fails(wire)
    assert wire.attempts == 1


async def test_a_policy_may_list_more() -> None:
    it = bench(retry_on=frozenset({StatusCode.UNKNOWN}))
    wire = it.wire(StatusCode.UNKNOWN, OK)
    await it.call(wire)
    assert wire.attempts == 2


async def test_a_policy_may_list_less() -> None:
    it = bench(retry_on=frozenset())
    wire = it.wire(UNAVAILABLE)
    await it.fails(wire)
    assert wire.attempts == 1


# Waiting


async def test_rule_07_waits_have_full_jitter_under_a_doubling_bound() -> None:
    random.seed(7)
    waits: list[tuple[float, float]] = []
    for _ in range(300):
        it = bench(backoff=0.1, backoff_limit=0.15, timeout=60.0)
        await it.fails(it.wire(UNAVAILABLE))
        waits.append((it.time.slept[0], it.time.slept[1]))
    first, second = zip(*waits, strict=True)
    assert 0 <= min(first) < 0.02
    assert 0.08 < max(first) <= 0.1
    assert 0 <= min(second) < 0.02
    assert 0.13 < max(second) <= 0.15  # 0.2, but for the limit


async def test_rule_08_pushback_overrides_the_wait() -> None:
    it = bench()
    wire = it.wire(failure(UNAVAILABLE, (("grpc-retry-pushback-ms", "400"),)), OK)
    await it.call(wire)
    assert it.time.slept == [0.4]
    assert it.seen(RetryScheduled) == [RetryScheduled("peer", "/t.T/U", 1, UNAVAILABLE, 0.4)]


async def test_rule_08_pushback_of_minus_one_stops() -> None:
    it = bench()
    wire = it.wire(failure(UNAVAILABLE, (("grpc-retry-pushback-ms", "-1"),)))
    await it.fails(wire)
    assert wire.attempts == 1
    assert it.seen(RetryRefused) == []


async def test_rule_06_resource_exhausted_is_retried_only_with_pushback() -> None:
    it = bench()
    told = it.wire(failure(StatusCode.RESOURCE_EXHAUSTED, (("grpc-retry-pushback-ms", "30"),)), OK)
    await it.call(told)
    assert told.attempts == 2
    untold = it.wire(StatusCode.RESOURCE_EXHAUSTED)
    await it.fails(untold)
    assert untold.attempts == 1


# The deadline


async def test_rule_08_never_sleeps_past_the_deadline() -> None:
    it = bench(timeout=1.0)
    wire = it.wire(failure(UNAVAILABLE, (("grpc-retry-pushback-ms", "1000"),)))
    assert (await it.fails(wire)).code() is UNAVAILABLE
    assert (wire.attempts, it.time.slept) == (1, [])
    assert it.seen(RetryRefused) == [RetryRefused("peer", "/t.T/U", "deadline")]


async def test_a_retry_that_could_not_finish_is_not_begun() -> None:
    it = bench(timeout=1.0, fair_timeout=0.3)
    wire = it.wire((0.72, UNAVAILABLE))
    await it.fails(wire)
    assert (wire.attempts, it.time.slept) == (1, [])


async def test_rule_02_each_attempt_is_given_what_is_left() -> None:
    it = bench(timeout=1.0, backoff=0.001, backoff_limit=0.001)
    wire = it.wire((0.3, UNAVAILABLE), (0.3, UNAVAILABLE), OK)
    await it.call(wire)
    assert wire.allowed == pytest.approx([1.0, 0.7, 0.4], abs=0.01)


async def test_the_per_try_timeout_bounds_each_attempt_but_never_adds_time() -> None:
    it = bench(timeout=1.0, per_try_timeout=0.45, backoff=0.001, backoff_limit=0.001)
    wire = it.wire((0.45, StatusCode.DEADLINE_EXCEEDED), (0.45, UNAVAILABLE), OK)
    await it.call(wire)
    assert wire.allowed == pytest.approx([0.45, 0.45, 0.1], abs=0.01)


async def test_deadline_exceeded_is_retried_only_when_the_per_try_timeout_caused_it() -> None:
    cut = bench(timeout=1.0, per_try_timeout=0.4)
    wire = cut.wire((0.4, StatusCode.DEADLINE_EXCEEDED), OK)
    await cut.call(wire)
    assert wire.attempts == 2
    spent = bench(timeout=1.0, per_try_timeout=1.0)
    wire = spent.wire((0.2, StatusCode.DEADLINE_EXCEEDED))  # a dependency of the server ran out of time
    await spent.fails(wire)
    assert wire.attempts == 1


# The budget


async def test_rule_07_the_budget_caps_amplification() -> None:
    it = Bench(
        policy=MethodPolicy(idempotent=True, timeout=60.0),
        budget_policy=BudgetPolicy(ratio=0.1, floor=0.01, window=1000.0),
        breaker_policy=PATIENT,
    )
    wire = it.wire(UNAVAILABLE)
    for _ in range(500):
        await it.fails(wire)
    assert wire.attempts == 500 + 50 + 10  # 10 % and the floor; 1500 without a budget
    assert RetryRefused("peer", "/t.T/U", "budget") in it.events


async def test_the_budget_pays_only_for_retries_that_happen() -> None:
    it = Bench(
        policy=MethodPolicy(idempotent=True, timeout=1.0),
        budget_policy=BudgetPolicy(ratio=0.0, floor=0.1, window=10.0),  # one retry
        breaker_policy=PATIENT,
    )
    too_late = it.wire(failure(UNAVAILABLE, (("grpc-retry-pushback-ms", "5000"),)))
    for _ in range(10):
        await it.fails(too_late)
    wire = it.wire(UNAVAILABLE, OK)
    await it.call(wire)
    assert wire.attempts == 2


# The breaker


async def test_rule_12_a_rejection_is_not_retried() -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1))
    it.breaker.settle(it.breaker.admit(it.time()), FAILED, it.time())
    wire = it.wire(OK)
    assert isinstance(await it.fails(wire), CircuitOpen)
    assert (wire.attempts, it.time.slept) == (0, [])


async def test_no_retry_is_begun_that_the_breaker_would_reject() -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=1))
    wire = it.wire(UNAVAILABLE)
    error = await it.fails(wire)
    assert error.code() is UNAVAILABLE
    assert not isinstance(error, CircuitOpen)  # the caller learns what the peer said
    assert (wire.attempts, it.time.slept) == (1, [])
    assert it.seen(RetryRefused) == [RetryRefused("peer", "/t.T/U", "circuit")]


async def test_rule_12_the_breaker_sees_every_attempt() -> None:
    it = Bench(breaker_policy=BreakerPolicy(min_calls=3, failure_rate=1.0), budget_policy=PLENTY)
    await it.fails(it.wire(UNAVAILABLE))
    assert it.breaker.state == "open"


# What is not the peer's doing


async def test_rule_06_a_local_cancel_is_never_retried() -> None:
    it = bench()
    wire = it.wire(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await it.call(wire)
    assert wire.attempts == 1


async def test_a_cancel_during_a_retry_is_never_retried() -> None:
    it = bench()
    wire = it.wire(UNAVAILABLE, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await it.call(wire)
    assert wire.attempts == 2


async def test_an_answer_to_a_retry_is_not_retried() -> None:
    it = bench()
    wire = it.wire(UNAVAILABLE, StatusCode.NOT_FOUND)
    assert (await it.fails(wire)).code() is StatusCode.NOT_FOUND
    assert wire.attempts == 2


async def test_a_bug_is_never_retried() -> None:
    it = bench()
    wire = it.wire(TypeError("ours"))
    with pytest.raises(TypeError):
        await it.call(wire)
    assert wire.attempts == 1


async def test_rule_09_calls_at_the_same_time_do_not_mix_their_attempts() -> None:
    it = bench(timeout=60.0)
    wires = [it.wire(UNAVAILABLE) for _ in range(20)]
    await asyncio.gather(*(it.fails(wire) for wire in wires))
    assert [wire.attempts for wire in wires] == [3] * 20


# What is reported


async def test_rule_22_attempts_and_the_call_are_reported() -> None:
    it = bench(timeout=2.0)
    await it.call(it.wire((0.25, UNAVAILABLE), (0.5, OK)))
    assert it.seen(AttemptEnded) == [
        AttemptEnded("peer", "/t.T/U", UNAVAILABLE, local=False, seconds=0.25),
        AttemptEnded("peer", "/t.T/U", OK, local=False, seconds=0.5),
    ]
    (ended,) = it.seen(CallEnded)
    assert (ended.code, ended.attempts, ended.allowed) == (OK, 2, 2.0)
    assert ended.seconds == pytest.approx(0.75 + sum(it.time.slept))


async def test_a_local_cancel_is_reported_as_ours() -> None:
    it = bench()
    with pytest.raises(asyncio.CancelledError):
        await it.call(it.wire((0.5, asyncio.CancelledError())))
    assert it.seen(AttemptEnded) == [AttemptEnded("peer", "/t.T/U", StatusCode.CANCELLED, local=True, seconds=0.5)]


async def test_the_error_is_an_rpc_error_as_without_us() -> None:
    it = bench()
    error = await it.fails(it.wire(UNAVAILABLE))
    assert type(error) is AioRpcError
