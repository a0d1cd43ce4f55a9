"""Streams through the policy, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import BreakerPolicy, CircuitOpen, MethodPolicy
from mesh.resilience.events import AttemptEnded, CallEnded, CircuitCreated, PeerOpened
from tests.resilience.opened import Opened, policy
from tests.resilience.scripted import Bench, Server, TStub, serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK


class Streaming(Opened):
    """A stub whose streams may be retried, and what it reports."""

    async def streams(self, server: Server, *, min_calls: int = 1000, **method: Any) -> TStub:
        quick = {"timeout": 10.0, "idempotent": True, "backoff": 0.001, "backoff_limit": 0.001}
        streams = policy(MethodPolicy(**{**quick, **method}), min_calls=min_calls)
        return await self.stub(server, streams)

    def attempts(self) -> list[tuple[StatusCode, bool]]:
        return [(event.code, event.local) for event in self.events if isinstance(event, AttemptEnded)]

    def calls(self) -> list[tuple[StatusCode, int]]:
        return [(event.code, event.attempts) for event in self.events if isinstance(event, CallEnded)]


@pytest.fixture
async def streaming() -> AsyncIterator[Streaming]:
    streaming = Streaming()
    async with streaming.stack:
        yield streaming


async def read(stream: AsyncIterator[bytes]) -> tuple[list[bytes], AioRpcError | None]:
    """The messages, and the error that ended them."""
    received: list[bytes] = []
    try:
        async for message in stream:
            received.append(message)  # noqa: PERF401 - what came before the error is what we want
    except AioRpcError as error:
        return received, error
    return received, None


async def test_rule_20_a_stream_is_retried_before_its_first_message(streaming: Streaming) -> None:
    async with serve(UNAVAILABLE, UNAVAILABLE, [b"1", b"2"]) as server:
        stub = await streaming.streams(server)
        assert [message async for message in stub.UnaryStream(b"")] == [b"1", b"2"]
        assert server.hits == 3
    assert streaming.attempts() == [(UNAVAILABLE, False), (UNAVAILABLE, False), (OK, False)]
    assert streaming.calls() == [(OK, 3)]


async def test_rule_20_a_stream_is_never_retried_after_its_first_message(streaming: Streaming) -> None:
    async with serve([b"1", b"2", UNAVAILABLE]) as server:
        stub = await streaming.streams(server)
        received, error = await read(stub.UnaryStream(b""))
        assert error is not None
        assert received == [b"1", b"2"]
        assert server.hits == 1
    assert streaming.calls() == [(UNAVAILABLE, 1)]


async def test_a_stream_that_fails_midway_is_a_failure(streaming: Streaming) -> None:
    async with serve([b"1", UNAVAILABLE]) as server:
        stub = await streaming.streams(server, min_calls=1)
        assert await read(stub.UnaryStream(b"")) != ([b"1"], None)
        assert streaming.circuits() == {"default": "open"}
        with pytest.raises(CircuitOpen):
            await anext(stub.UnaryStream(b""))
        assert server.hits == 1


async def test_an_empty_stream_is_an_answer(streaming: Streaming) -> None:
    async with serve([]) as server:
        stub = await streaming.streams(server)
        assert [message async for message in stub.UnaryStream(b"")] == []
    assert streaming.calls() == [(OK, 1)]


async def test_rule_20_stopping_early_is_neutral_and_cancels_the_server(streaming: Streaming) -> None:
    async with serve([b"1", "wait", b"2"]) as server:
        stub = await streaming.streams(server, min_calls=1)
        async with aclosing(stub.UnaryStream(b"")) as messages:
            assert await anext(messages) == b"1"
        # at once, not when the garbage collector finds the time
        assert [type(event) for event in streaming.events] == [PeerOpened, CircuitCreated, AttemptEnded, CallEnded]
        await server.left.wait()
        assert streaming.circuits() == {"default": "closed"}
    assert streaming.attempts() == [(StatusCode.CANCELLED, True)]
    assert streaming.calls() == [(StatusCode.CANCELLED, 1)]


async def test_a_cancelled_reader_is_neutral_and_cancels_the_server(streaming: Streaming) -> None:
    async with serve([b"1", "wait", b"2"]) as server:
        stub = await streaming.streams(server, min_calls=1)
        first = asyncio.Event()

        async def reading() -> None:
            async for _ in stub.UnaryStream(b""):
                first.set()

        reader = asyncio.create_task(reading())
        await first.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await server.left.wait()
        assert streaming.circuits() == {"default": "closed"}
    assert streaming.attempts() == [(StatusCode.CANCELLED, True)]


class Held:
    """A stream of two messages that somebody holds on to."""

    cancelled = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"

    def cancel(self) -> bool:
        self.cancelled = True
        return True


async def test_rule_20_a_stream_stopped_early_is_cancelled_even_when_somebody_holds_on_to_the_call() -> None:
    rpc = Held()
    async with aclosing(Bench().method.stream(lambda _: rpc, None)) as messages:
        assert await anext(messages) == b"1"
    assert rpc.cancelled


async def half_open(**breaker: Any) -> Bench:
    """A circuit that lets the next call through, and no other beside it."""
    it = Bench(breaker_policy=BreakerPolicy(**{"min_calls": 1, **breaker}), policy=MethodPolicy())
    await it.fails(it.wire(UNAVAILABLE))
    it.time.pass_by(5.0)
    return it


async def test_rule_13_a_stream_is_a_trial_until_its_first_message_and_not_for_its_whole_life() -> None:
    it = await half_open(successes_to_close=1)
    async with aclosing(it.method.stream(lambda _: Held(), None)) as messages:
        assert await anext(messages) == b"1"
        assert it.breaker.state == "closed"


async def test_a_stream_that_is_a_trial_keeps_others_out_until_it_answers() -> None:
    it, answer = await half_open(), asyncio.Event()

    class Late(Held):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            await answer.wait()
            yield b"1"

    first = asyncio.create_task(anext(it.method.stream(lambda _: Late(), None)))
    await asyncio.sleep(0)
    assert isinstance(await it.fails(it.wire(OK)), CircuitOpen)
    answer.set()
    assert await first == b"1"
    assert await it.call(it.wire(OK)) == "answer"


async def test_a_stream_that_ends_after_its_trial_frees_no_trial_of_another() -> None:
    it = await half_open()
    async with aclosing(it.method.stream(lambda _: Held(), None)) as messages:
        assert await anext(messages) == b"1"
        trial = asyncio.create_task(it.call(lambda _: asyncio.Event().wait()))
        await asyncio.sleep(0)
    assert isinstance(await it.fails(it.wire(OK)), CircuitOpen)
    trial.cancel()


@pytest.mark.parametrize(("seconds", "state"), [(1.0, "closed"), (1.001, "open")])
async def test_a_stream_whose_first_message_is_slow_is_a_slow_trial(seconds: float, state: str) -> None:
    it = await half_open(successes_to_close=1, slow_after=1.0)
    it.time.now = 2000.0  # 1.0 is exact from here

    class Slow(Held):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            it.time.pass_by(seconds)
            yield b"1"

    async with aclosing(it.method.stream(lambda _: Slow(), None)) as messages:
        assert await anext(messages) == b"1"
        assert it.breaker.state == state


async def test_a_stream_nobody_reads_is_never_begun(streaming: Streaming) -> None:
    async with serve([b"1"]) as server:
        stub = await streaming.streams(server)
        stub.UnaryStream(b"")
        assert server.hits == 0
    assert streaming.attempts() == []


async def test_a_stream_has_one_deadline(streaming: Streaming) -> None:
    async with serve([b"1", "wait"]) as server:
        stub = await streaming.streams(server, timeout=0.3, fair_timeout=0.0, min_calls=1)
        received, error = await read(stub.UnaryStream(b""))
        assert received == [b"1"]
        assert error is not None
        assert error.code() is StatusCode.DEADLINE_EXCEEDED
        assert streaming.circuits() == {"default": "open"}


async def test_a_caller_may_shorten_the_timeout_of_a_stream() -> None:
    it, allowed = Bench(policy=MethodPolicy(timeout=2.0)), list[float]()

    class Empty:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in ():
                yield b""

        def cancel(self) -> bool:
            return False

    def send(seconds: float) -> Empty:
        allowed.append(seconds)
        return Empty()

    assert [message async for message in it.method.stream(send, 0.5)] == []
    assert allowed == [0.5]


async def test_requests_that_are_a_stream_cannot_be_sent_twice(streaming: Streaming) -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield b"1"

    async with serve(UNAVAILABLE) as server:
        stub = await streaming.streams(server)
        with pytest.raises(AioRpcError):
            await stub.StreamUnary(requests())
        with pytest.raises(AioRpcError):
            await anext(stub.StreamStream(requests()))
        assert server.hits == 2
