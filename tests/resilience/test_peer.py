"""The whole client against real servers."""

import asyncio
import logging

import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from prometheus_client import CollectorRegistry

from mesh.resilience import (
    BreakerPolicy,
    CircuitOpen,
    MethodPolicy,
    PeerPolicy,
    PolicyInvalid,
    telemetry,
)
from mesh.resilience.events import AttemptEnded, CallEnded, CircuitOpened, RetryScheduled
from tests.resilience.opened import METHODS, Opened, code_of, policy, requests
from tests.resilience.scripted import TStub, serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK


async def test_rule_18_all_four_kinds_of_methods_pass_through_the_policy(opened: Opened) -> None:
    async with serve() as server:
        stub = await opened.stub(server, policy())
        assert await stub.UnaryUnary(b"1") == b"1"
        assert [message async for message in stub.UnaryStream(b"2")] == [b"2"]
        assert await stub.StreamUnary(requests(b"3", b"4")) == b"34"
        assert [message async for message in stub.StreamStream(requests(b"5", b"6"))] == [b"5", b"6"]
    ended = [event for event in opened.events if isinstance(event, CallEnded)]
    assert [(event.method, event.code, event.attempts) for event in ended] == [
        (f"/t.T/{name}", OK, 1) for name in METHODS
    ]
    assert all(remaining is not None and remaining <= 10.5 for remaining in server.remaining)


async def test_rule_18_all_four_kinds_of_methods_are_judged_by_the_breaker(opened: Opened) -> None:
    async with serve(UNAVAILABLE) as server:
        once = MethodPolicy(timeout=10.0, attempts=1)
        stub = await opened.stub(server, policy(once, min_calls=4, failure_rate=1.0))
        # No message: grpc.aio tells INTERNAL of a call that ends while a message of it is being written (seen once).
        assert await code_of(stub.StreamUnary(requests())) is UNAVAILABLE
        assert await code_of(anext(stub.StreamStream(requests()))) is UNAVAILABLE
        assert await code_of(anext(stub.UnaryStream(b"1"))) is UNAVAILABLE
        assert await code_of(stub.UnaryUnary(b"1")) is UNAVAILABLE
        assert server.hits == 4
        for call in (stub.UnaryUnary(b"1"), stub.StreamUnary(requests(b"1"))):
            with pytest.raises(CircuitOpen):
                await call
        for stream in (stub.UnaryStream(b"1"), stub.StreamStream(requests(b"1"))):
            with pytest.raises(CircuitOpen):
                await anext(stream)
        assert server.hits == 4


async def test_breaker_opens_on_real_unavailable_from_a_server(opened: Opened) -> None:
    async with serve(UNAVAILABLE) as server:
        stub = await opened.stub(server, policy(min_calls=3))
        assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        assert opened.circuits() == {"default": "open"}
    assert any(isinstance(event, CircuitOpened) for event in opened.events)


async def test_breaker_opens_when_nobody_listens(opened: Opened) -> None:
    async with serve() as server:
        pass
    stub = await opened.stub(server, policy(min_calls=3))
    assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
    assert opened.circuits() == {"default": "open"}


async def test_thirty_percent_failures_trip_by_rate(opened: Opened) -> None:
    script = [UNAVAILABLE if n % 10 in {2, 5, 8} else OK for n in range(100)]
    async with serve(*script) as server:
        stub = await opened.stub(server, policy(MethodPolicy(), min_calls=20, failure_rate=0.3))
        outcomes = [(await asyncio.gather(stub.UnaryUnary(b""), return_exceptions=True))[0] for _ in range(100)]
        assert any(isinstance(outcome, CircuitOpen) for outcome in outcomes)
        assert server.hits < 40


async def test_open_breaker_touches_no_socket(opened: Opened) -> None:
    async with serve(UNAVAILABLE, OK) as server:
        stub = await opened.stub(server, policy(MethodPolicy(), min_calls=1))
        assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        for _ in range(100):
            assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        assert server.hits == 1


async def test_a_server_that_comes_back_is_used_again(opened: Opened) -> None:
    async with serve(UNAVAILABLE, OK) as server:
        stub = await opened.stub(server, policy(min_calls=1, open_for=0.05, open_limit=0.05))
        assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        while opened.circuits() != {"default": "closed"}:
            try:
                await stub.UnaryUnary(b"")
            except CircuitOpen as rejected:
                await asyncio.sleep(rejected.retry_in)
        assert server.hits == 4  # the failure and three trials


async def test_retries_pass_over_a_passing_fault(opened: Opened) -> None:
    async with serve(UNAVAILABLE, UNAVAILABLE, OK) as server:
        stub = await opened.stub(server, policy())
        assert await stub.UnaryUnary(b"x") == b"x"
        assert server.hits == 3


async def test_pushback_from_a_real_server_stops(opened: Opened) -> None:
    async with serve((UNAVAILABLE, (("grpc-retry-pushback-ms", "-1"),))) as server:
        stub = await opened.stub(server, policy())
        assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        assert server.hits == 1


async def test_rule_08_retry_info_from_a_real_server_is_waited_for(opened: Opened) -> None:
    busy = any_pb2.Any()
    busy.Pack(error_details_pb2.RetryInfo(retry_delay=Duration(nanos=20_000_000)))
    details = status_pb2.Status(code=8, details=[busy]).SerializeToString()
    async with serve((StatusCode.RESOURCE_EXHAUSTED, (("grpc-status-details-bin", details),)), OK) as server:
        stub = await opened.stub(server, policy())
        assert await stub.UnaryUnary(b"x") == b"x"
        assert server.hits == 2
    waits = [event.wait for event in opened.events if isinstance(event, RetryScheduled)]
    assert waits == [0.02]


async def test_the_per_try_timeout_saves_a_call_from_a_hung_attempt(opened: Opened) -> None:
    async with serve("hang", OK) as server:
        patient = MethodPolicy(timeout=30.0, per_try_timeout=0.2, idempotent=True)
        stub = await opened.stub(server, policy(patient))
        assert await stub.UnaryUnary(b"x") == b"x"
        assert server.hits == 2
        await server.left.wait()  # the hung handler was cancelled, not left behind


async def test_rule_04_wait_for_is_neutral_and_reaches_the_server(opened: Opened) -> None:
    async with serve("hang", OK) as server:
        stub = await opened.stub(server, policy(min_calls=1))
        call = asyncio.create_task(stub.UnaryUnary(b""))
        await server.arrived.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call, 0.001)
        await server.left.wait()
        assert opened.circuits() == {"default": "closed"}
        assert await stub.UnaryUnary(b"x") == b"x"
    attempts = [event for event in opened.events if isinstance(event, AttemptEnded)]
    assert [(attempt.code, attempt.local) for attempt in attempts] == [(StatusCode.CANCELLED, True), (OK, False)]


async def test_peer_cancelled_counts_as_failure_and_is_not_a_local_cancel(opened: Opened) -> None:
    async with serve(StatusCode.CANCELLED) as server:
        stub = await opened.stub(server, policy(min_calls=1))
        assert await code_of(stub.UnaryUnary(b"")) is StatusCode.CANCELLED
        assert opened.circuits() == {"default": "open"}
        assert server.hits == 1


async def test_without_protection_only_the_deadline_is_left(opened: Opened) -> None:
    async with serve(UNAVAILABLE) as server:
        stub = await opened.stub(server, policy(min_calls=1), enabled=False)
        for _ in range(30):
            assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        assert server.hits == 30
        assert opened.circuits() == {}
        assert all(remaining is not None and remaining <= 10.5 for remaining in server.remaining)


async def test_rule_11_groups_have_breakers_of_their_own(opened: Opened) -> None:
    reads = MethodPolicy(group="reads")
    async with serve(UNAVAILABLE, OK) as server:
        split = PeerPolicy(
            methods={"/t.T/UnaryUnary": reads},
            breakers={"reads": BreakerPolicy(min_calls=1), "default": BreakerPolicy(min_calls=1)},
        )
        stub = await opened.stub(server, split)
        assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
        assert opened.circuits() == {"reads": "open", "default": "closed"}
        assert await stub.StreamUnary(requests(b"x")) == b"x"


async def test_a_policy_for_a_method_that_does_not_exist_is_refused(opened: Opened) -> None:
    async with serve() as server:
        misspelt = PeerPolicy(methods={"/t.T/UnaryUnray": MethodPolicy(), "/other.S/Method": MethodPolicy()})
        peer = await opened.peer(server, misspelt)
        with pytest.raises(PolicyInvalid, match="t has no method"):
            peer.stub(TStub)


async def test_breaker_does_not_serialise_calls(opened: Opened) -> None:
    async with serve("hang") as server:
        stub = await opened.stub(server, policy())
        calls = [asyncio.create_task(stub.UnaryUnary(b"x")) for _ in range(20)]
        while server.hits < 20:  # all are being served at the same time
            await asyncio.sleep(0.001)
        server.release.set()
        assert await asyncio.gather(*calls) == [b"x"] * 20


async def test_operators_see_what_a_peer_has_left(opened: Opened) -> None:
    registry = CollectorRegistry()
    async with serve("hang") as server:
        seen = telemetry.listeners(registry, logging.getLogger("test.peer"))
        stub = await opened.stub(server, policy(), listeners=seen)
        call = asyncio.create_task(stub.UnaryUnary(b""))
        await server.arrived.wait()
        assert registry.get_sample_value("argosy_client_in_flight", {"peer": "t"}) == 1
        assert registry.get_sample_value("argosy_client_retries_left", {"peer": "t"}) == 10  # the floor of 10 seconds
        server.release.set()
        await call
        assert registry.get_sample_value("argosy_client_in_flight", {"peer": "t"}) == 0
