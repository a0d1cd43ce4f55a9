"""Which calls pass the tracing interceptors, and what do the others tell those below?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from grpc import StatusCode, aio
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from tests.resilience.opened import METHODS, Opened, policy, requests
from tests.resilience.scripted import Server, TStub, serve

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK


class Interceptors:
    """Counts what passes; an interceptor for each kind of RPC."""

    def __init__(self) -> None:
        self.passed = 0
        count = self._count

        class UnaryUnary(aio.UnaryUnaryClientInterceptor):
            async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
                return await count(continuation, details, request)

        class UnaryStream(aio.UnaryStreamClientInterceptor):
            async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
                return await count(continuation, details, request)

        class StreamUnary(aio.StreamUnaryClientInterceptor):
            async def intercept_stream_unary(self, continuation: Any, details: Any, request: Any) -> Any:
                return await count(continuation, details, request)

        class StreamStream(aio.StreamStreamClientInterceptor):
            async def intercept_stream_stream(self, continuation: Any, details: Any, request: Any) -> Any:
                return await count(continuation, details, request)

        self.kinds = [UnaryUnary(), UnaryStream(), StreamUnary(), StreamStream()]

    async def _count(self, continuation: Any, details: Any, request: Any) -> Any:
        self.passed += 1
        return await continuation(details, request)


@contextmanager
def span(*, sampled: bool) -> Iterator[None]:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    here = NonRecordingSpan(SpanContext(TRACE, SPAN, is_remote=False, trace_flags=flags))
    token = context.attach(trace.set_span_in_context(here))
    try:
        yield
    finally:
        context.detach(token)


async def call_each_kind(stub: TStub) -> None:
    assert await stub.UnaryUnary(b"1") == b"1"
    assert [message async for message in stub.UnaryStream(b"2")] == [b"2"]
    assert await stub.StreamUnary(requests(b"3")) == b"3"
    assert [message async for message in stub.StreamStream(requests(b"4"))] == [b"4"]


async def test_rule_18_a_sampled_call_of_each_kind_passes_its_interceptor_once(opened: Opened) -> None:
    tracing = Interceptors()
    async with serve() as server:
        stub = await opened.stub(server, policy(), interceptors=tracing.kinds)
        with span(sampled=True):
            await call_each_kind(stub)
    assert (tracing.passed, server.hits) == (len(METHODS), len(METHODS))


async def test_rule_18_an_unsampled_call_of_each_kind_goes_round_and_says_so(opened: Opened) -> None:
    tracing = Interceptors()
    async with serve() as server:
        stub = await opened.stub(server, policy(), interceptors=tracing.kinds)
        with span(sampled=False):
            await call_each_kind(stub)
    assert (tracing.passed, server.hits) == (0, len(METHODS))
    assert {headers["traceparent"] for headers in server.metadata} == {f"00-{TRACE:032x}-{SPAN:016x}-00"}


async def test_a_call_outside_any_span_is_left_to_the_sdk(opened: Opened) -> None:
    tracing = Interceptors()
    async with serve() as server:
        stub = await opened.stub(server, policy(), interceptors=tracing.kinds)
        await call_each_kind(stub)
    assert tracing.passed == len(METHODS)


@pytest.mark.parametrize("sampled", [True, False])
async def test_rule_19_every_attempt_takes_the_way_of_its_call(opened: Opened, sampled: bool) -> None:
    tracing = Interceptors()
    async with serve(UNAVAILABLE, UNAVAILABLE, OK) as server:
        stub = await opened.stub(server, policy(), interceptors=tracing.kinds)
        with span(sampled=sampled):
            await stub.UnaryUnary(b"x")
    assert server.hits == 3
    assert tracing.passed == (3 if sampled else 0)


async def test_a_call_s_own_metadata_travels_on_either_way(opened: Opened) -> None:
    async with serve() as server:
        stub = await opened.stub(server, policy(), interceptors=Interceptors().kinds)
        for sampled in (True, False):
            with span(sampled=sampled):
                await stub.UnaryUnary(b"x", metadata=(("x-request-id", "r-1"),))
    assert [headers["x-request-id"] for headers in server.metadata] == ["r-1", "r-1"]


class Addressed(Server):
    """Remembers which connections its calls came over."""

    def __init__(self) -> None:
        super().__init__([OK])
        self.callers: set[str] = set()

    async def answer(self, request: bytes, context: Any) -> bytes:
        self.callers.add(context.peer())
        return await super().answer(request, context)


async def test_both_ways_share_one_connection(opened: Opened) -> None:
    async with serve(server=Addressed()) as server:
        stub = await opened.stub(server, policy(), interceptors=Interceptors().kinds)
        for sampled in (True, False):
            with span(sampled=sampled):
                await stub.UnaryUnary(b"x")
    assert isinstance(server, Addressed)
    assert len(server.callers) == 1
