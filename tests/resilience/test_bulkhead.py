"""So many attempts on the wire and no more, and every place is given back."""

import asyncio
import gc
from contextlib import aclosing
from typing import Any

import pytest
from grpc import StatusCode

from mesh.resilience import BreakerPolicy, BulkheadFull, CircuitOpen, DeadlineSpent, MethodPolicy, PeerPolicy
from mesh.resilience.bulkhead import Bulkhead
from mesh.resilience.events import AttemptEnded, BulkheadRejected, CallEnded, RetryRefused
from tests.resilience.opened import METHODS, Opened, requests
from tests.resilience.scripted import Bench, TStub, failure, serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK


def narrow(limit: int = 1, **method: Any) -> PeerPolicy:
    return PeerPolicy(methods={f"/t.T/{name}": MethodPolicy(**method) for name in METHODS}, bulkhead=limit)


def test_it_holds_as_many_as_the_limit() -> None:
    bulkhead = Bulkhead("payments", 2)
    bulkhead.enter()
    bulkhead.enter()
    with pytest.raises(BulkheadFull, match="2 attempts are under way to payments"):
        bulkhead.enter()
    assert bulkhead.in_flight == 2  # who was refused holds no place
    bulkhead.leave()
    bulkhead.enter()


def test_without_a_limit_it_only_counts() -> None:
    bulkhead = Bulkhead("payments", None)
    for _ in range(10_000):
        bulkhead.enter()
    assert bulkhead.in_flight == 10_000


async def test_a_full_bulkhead_rejects_at_once_and_says_so() -> None:
    it = Bench(limit=1)
    held = asyncio.create_task(it.call(lambda _: asyncio.Event().wait()))
    await asyncio.sleep(0)
    wire = it.wire(OK)
    error = await it.fails(wire)
    assert (type(error), error.code(), wire.attempts) == (BulkheadFull, StatusCode.RESOURCE_EXHAUSTED, 0)
    assert it.seen(BulkheadRejected) == [BulkheadRejected("peer", "/t.T/U", 1)]
    assert [(ended.code, ended.attempts) for ended in it.seen(CallEnded)] == [(StatusCode.RESOURCE_EXHAUSTED, 0)]
    held.cancel()


async def test_a_rejection_is_never_retried_and_neutral_to_the_breaker() -> None:
    it = Bench(limit=1, breaker_policy=BreakerPolicy(min_calls=1))
    it.bulkhead.enter()
    await it.fails(it.wire(OK))
    assert (it.time.slept, it.seen(RetryRefused), it.breaker.state) == ([], [], "closed")


@pytest.mark.parametrize("outcome", [OK, UNAVAILABLE, StatusCode.NOT_FOUND, ValueError(), asyncio.CancelledError()])
async def test_the_place_is_given_back_however_the_attempt_ends(outcome: Any) -> None:
    it = Bench(limit=1, policy=MethodPolicy())
    await asyncio.gather(it.call(it.wire(outcome)), return_exceptions=True)
    assert it.bulkhead.in_flight == 0
    assert await it.call(it.wire(OK)) == "answer"


async def test_an_attempt_the_breaker_rejects_takes_no_place() -> None:
    it = Bench(limit=1)
    it.breaker.force_open()
    for _ in range(3):
        assert isinstance(await it.fails(it.wire(OK)), CircuitOpen)
    assert it.bulkhead.in_flight == 0


async def test_a_call_without_time_takes_no_place() -> None:
    it = Bench(limit=1)
    assert isinstance(await it.fails(it.wire(OK), timeout=0.0), DeadlineSpent)
    assert it.bulkhead.in_flight == 0


async def test_a_full_bulkhead_takes_no_trial_from_a_half_open_breaker() -> None:
    it = Bench(limit=1, breaker_policy=BreakerPolicy(min_calls=1), policy=MethodPolicy())
    await it.fails(it.wire(UNAVAILABLE))
    it.time.pass_by(5.0)
    it.bulkhead.enter()
    assert isinstance(await it.fails(it.wire(OK)), BulkheadFull)
    it.bulkhead.leave()
    assert await it.call(it.wire(OK)) == "answer"


async def test_a_call_that_waits_for_its_retry_takes_no_place() -> None:
    it = Bench(limit=1)
    tries = 0

    async def fails_once(allowed: float) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise failure(UNAVAILABLE)
        return "answer"

    first = asyncio.create_task(it.call(fails_once))
    while not it.time.slept:
        await asyncio.sleep(0)
    assert it.bulkhead.in_flight == 0
    assert await first == "answer"


async def test_every_kind_of_method_takes_a_place_while_it_is_on_the_wire(opened: Opened) -> None:
    async with serve("hang") as server:
        peer = await opened.peer(server, narrow(limit=4))
        stub = peer.stub(TStub)
        streams = [stub.UnaryStream(b"1"), stub.StreamStream(requests(b"1"))]
        calls = [stub.UnaryUnary(b"1"), stub.StreamUnary(requests(b"1")), *(anext(stream) for stream in streams)]
        tasks = [asyncio.create_task(call) for call in calls]
        while server.hits < 4:
            await asyncio.sleep(0.001)
        assert peer.bulkhead.in_flight == 4
        with pytest.raises(BulkheadFull):
            await stub.UnaryUnary(b"2")
        with pytest.raises(BulkheadFull):
            await anext(stub.UnaryStream(b"2"))
        server.release.set()
        await asyncio.gather(*tasks)
        for stream in streams:
            await stream.aclose()
        assert peer.bulkhead.in_flight == 0


async def test_cancelled_calls_of_every_kind_give_their_places_back(opened: Opened) -> None:
    async with serve("hang") as server:
        peer = await opened.peer(server, narrow(limit=4))
        stub = peer.stub(TStub)
        calls = [stub.UnaryUnary(b"1"), stub.StreamUnary(requests(b"1"))]
        calls += [anext(stub.UnaryStream(b"1")), anext(stub.StreamStream(requests(b"1")))]
        tasks = [asyncio.create_task(call) for call in calls]
        while server.hits < 4:
            await asyncio.sleep(0.001)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert peer.bulkhead.in_flight == 0


async def test_a_stream_keeps_its_place_until_it_is_read_or_closed(opened: Opened) -> None:
    async with serve([b"1", b"2"]) as server:
        peer = await opened.peer(server, narrow())
        stub = peer.stub(TStub)
        async with aclosing(stub.UnaryStream(b"")) as messages:
            await anext(messages)
            with pytest.raises(BulkheadFull):
                await stub.UnaryUnary(b"")
        assert peer.bulkhead.in_flight == 0
        assert [message async for message in stub.UnaryStream(b"")] == [b"1", b"2"]
        assert peer.bulkhead.in_flight == 0


async def test_an_abandoned_iterator_gives_its_place_back(opened: Opened) -> None:
    async with serve([b"1", "wait", b"2"]) as server:
        peer = await opened.peer(server, narrow())
        stub = peer.stub(TStub)
        messages = stub.UnaryStream(b"")
        assert await anext(messages) == b"1"
        with pytest.raises(BulkheadFull):  # it holds the only place
            await anext(stub.UnaryStream(b""))
        del messages
        gc.collect()
        while not any(isinstance(event, AttemptEnded) and event.local for event in opened.events):
            await asyncio.sleep(0.001)
        assert peer.bulkhead.in_flight == 0
        assert await anext(stub.UnaryStream(b"")) == b"1"


async def test_a_stream_nobody_reads_takes_no_place(opened: Opened) -> None:
    async with serve() as server:
        peer = await opened.peer(server, narrow())
        stub = peer.stub(TStub)
        stub.UnaryStream(b"")
        assert await stub.UnaryUnary(b"x") == b"x"


async def test_without_protection_nothing_bounds_what_is_in_flight(opened: Opened) -> None:
    async with serve("hang") as server:
        peer = await opened.peer(server, narrow(), enabled=False)
        stub = peer.stub(TStub)
        tasks = [asyncio.create_task(stub.UnaryUnary(b"x")) for _ in range(5)]
        while server.hits < 5:
            await asyncio.sleep(0.001)
        assert peer.bulkhead.in_flight == 5
        server.release.set()
        assert await asyncio.gather(*tasks) == [b"x"] * 5


async def test_two_peers_have_bulkheads_of_their_own(opened: Opened) -> None:
    async with serve("hang") as full, serve() as free:
        policy = PeerPolicy(bulkhead=1)
        held = (await opened.peer(full, policy)).stub(TStub)
        other = (await opened.peer(free, policy)).stub(TStub)
        hanging = asyncio.create_task(held.UnaryUnary(b""))
        await full.arrived.wait()
        with pytest.raises(BulkheadFull):
            await held.UnaryUnary(b"")
        assert await other.UnaryUnary(b"x") == b"x"
        full.release.set()
        await hanging
