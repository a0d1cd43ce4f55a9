"""Negative controls: what the libraries do when used as their READMEs show, and why they are wrapped.

Each test is a trap seen in grpcio 1.85, pybreaker 1.4 and tenacity 9.2. One that fails after an upgrade
means a trap is gone, and perhaps a line of ours with it.
"""

import asyncio
import threading
from typing import Any

import grpc
import pybreaker
import pytest
import tenacity
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import BreakerPolicy, MethodPolicy
from mesh.resilience.breaker import CLOSED, OPEN, Breaker
from mesh.resilience.events import Listeners
from mesh.resilience.verdicts import FAILED, HEALTHY
from tests.resilience.opened import Opened, policy
from tests.resilience.scripted import TStub, failure, serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK


async def test_rule_09_tenacity_on_a_bare_stub_never_retries() -> None:
    async with serve(UNAVAILABLE) as server, grpc.aio.insecure_channel(server.target) as channel:
        retrying = tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True)(TStub(channel).UnaryUnary)
        call = retrying(b"")  # an un-awaited call counts as success
        with pytest.raises(AioRpcError):
            await call
        assert server.hits == 1


async def test_rule_09_a_stub_of_ours_is_retried_by_who_wraps_it_again(opened: Opened) -> None:
    async with serve(UNAVAILABLE) as server:
        stub = await opened.stub(server, policy(MethodPolicy()))
        retrying = tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True)(stub.UnaryUnary)
        with pytest.raises(AioRpcError):
            await retrying(b"")
        assert server.hits == 3


async def test_rule_09_a_shared_async_retrying_mixes_its_callers_attempts() -> None:
    shared = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(3), reraise=True)
    attempts = [0] * 20

    async def caller(number: int) -> None:
        async for attempt in shared:
            with attempt:
                attempts[number] += 1
                await asyncio.sleep(0)
                raise failure(UNAVAILABLE)

    await asyncio.gather(*(caller(number) for number in range(20)), return_exceptions=True)
    assert attempts != [3] * 20


async def test_rule_09_retry_if_not_exception_type_retries_a_cancelled_call() -> None:
    attempts = 0

    async def call() -> None:
        nonlocal attempts
        attempts += 1
        raise asyncio.CancelledError

    predicate = tenacity.retry_if_not_exception_type(ValueError)
    retrying = tenacity.AsyncRetrying(retry=predicate, stop=tenacity.stop_after_attempt(2), reraise=True)
    with pytest.raises(asyncio.CancelledError):
        await retrying(call)
    assert attempts == 2


async def test_rule_09_stop_after_delay_sleeps_past_it() -> None:
    slept = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds

    async def call() -> None:
        raise failure(UNAVAILABLE)

    stop = tenacity.stop_after_delay(0.5) | tenacity.stop_after_attempt(2)
    retrying = tenacity.AsyncRetrying(stop=stop, wait=tenacity.wait_fixed(60.0), sleep=sleep, reraise=True)
    with pytest.raises(AioRpcError):
        await retrying(call)
    assert slept == 60.0


async def test_rule_10_pybreaker_on_a_coroutine_never_trips() -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=2)

    @breaker
    async def call() -> None:
        raise failure(UNAVAILABLE)

    for _ in range(10):
        with pytest.raises(AioRpcError):
            await call()
    assert (breaker.current_state, breaker.fail_counter) == (CLOSED, 0)


def test_rule_10_pybreaker_serialises_the_calls_it_guards() -> None:
    breaker = pybreaker.CircuitBreaker()
    inside, second_waits = threading.Event(), threading.Event()

    def first() -> None:
        inside.set()
        second_waits.wait()

    def second() -> None:
        raise AssertionError("ran while the first call was under way")

    holder = threading.Thread(target=breaker.call, args=(first,))
    holder.start()
    inside.wait()
    assert not breaker._lock.acquire(blocking=False)
    second_waits.set()
    holder.join()


async def test_rule_10_pybreaker_half_open_is_a_stampede() -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=0)
    breaker.half_open()
    admitted, release = 0, asyncio.Event()

    async def call() -> None:
        nonlocal admitted
        with breaker.calling():
            admitted += 1
            await release.wait()

    callers = [asyncio.create_task(call()) for _ in range(50)]
    await asyncio.sleep(0)
    assert admitted == 50
    release.set()
    await asyncio.gather(*callers)


async def test_rule_10_pybreaker_counts_a_cancel_as_the_peers_failure() -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=1)

    async def call() -> None:
        with breaker.calling():
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(pybreaker.CircuitBreakerError):  # the cancel itself is lost
        await task
    assert breaker.current_state == OPEN


def test_rule_10_pybreaker_stays_closed_at_thirty_percent_errors_where_ours_opens() -> None:
    theirs = pybreaker.CircuitBreaker(fail_max=5)
    ours = Breaker("p", "g", BreakerPolicy(min_calls=20, failure_rate=0.3), listeners=Listeners())

    def fails() -> None:
        raise failure(UNAVAILABLE)

    for n in range(300):
        bad = n % 10 in {2, 5, 8}
        if bad:
            with pytest.raises(AioRpcError):
                theirs.call(fails)
        else:
            theirs.call(lambda: None)
        if ours.state == CLOSED:
            ours.settle(ours.admit(float(n) / 100), FAILED if bad else HEALTHY, float(n) / 100)
    assert theirs.current_state == CLOSED
    assert ours.state == OPEN


def test_rule_16_pybreaker_forgets_the_transition_when_a_listener_raises() -> None:
    class Broken(pybreaker.CircuitBreakerListener):
        def state_change(self, cb: object, old_state: object, new_state: object) -> None:  # noqa: ARG002 - theirs
            raise RuntimeError

    breaker = pybreaker.CircuitBreaker(fail_max=1, listeners=[Broken()])
    with pytest.raises(RuntimeError):
        breaker.open()
    assert breaker.current_state == CLOSED


async def test_rule_18_an_interceptor_of_two_kinds_serves_only_the_first() -> None:
    class Both(grpc.aio.UnaryUnaryClientInterceptor, grpc.aio.UnaryStreamClientInterceptor):
        seen = 0

        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            self.seen += 1
            return await continuation(details, request)

        async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
            self.seen += 1
            return await continuation(details, request)

    both = Both()
    async with serve(OK) as server, grpc.aio.insecure_channel(server.target, interceptors=[both]) as channel:
        stub = TStub(channel)
        await stub.UnaryUnary(b"")
        async for _ in stub.UnaryStream(b""):
            pass
    assert both.seen == 1


async def test_the_error_is_at_the_call_not_at_the_continuation() -> None:
    class Guarding(grpc.aio.UnaryUnaryClientInterceptor):
        caught = 0

        async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            try:
                return await continuation(details, request)
            except AioRpcError:
                self.caught += 1
                raise

    guarding = Guarding()
    async with (
        serve(UNAVAILABLE) as server,
        grpc.aio.insecure_channel(server.target, interceptors=[guarding]) as channel,
    ):
        with pytest.raises(AioRpcError):
            await TStub(channel).UnaryUnary(b"")
    assert guarding.caught == 0


async def test_rule_03_a_service_config_with_a_retry_policy_would_multiply_ours() -> None:
    config = """{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.01s",
        "maxBackoff": "0.01s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}"""
    async with serve(UNAVAILABLE) as server:
        options = [("grpc.service_config", config)]
        async with grpc.aio.insecure_channel(server.target, options) as channel:
            with pytest.raises(AioRpcError):
                await TStub(channel).UnaryUnary(b"")
        assert server.hits == 4
