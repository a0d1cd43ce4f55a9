"""OpenTelemetry as its package ships it, innermost: one span per attempt, the policy's notes on the caller's span."""

import logging
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from grpc import StatusCode
from opentelemetry.instrumentation.grpc import aio_client_interceptors
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from mesh.resilience import CircuitOpen, MethodPolicy
from mesh.resilience.telemetry import listeners
from tests.resilience.opened import Opened, code_of, policy, requests
from tests.resilience.scripted import serve

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK


class Traced:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.interceptors = aio_client_interceptors(self.provider)  # type: ignore[no-untyped-call]  # theirs
        self.tracer = self.provider.get_tracer("test")

    def names(self) -> list[str]:
        return [span.name for span in self.exporter.get_finished_spans()]


@pytest.fixture
def traced() -> Iterator[Traced]:
    traced = Traced()
    yield traced
    traced.provider.shutdown()


async def test_rule_19_every_attempt_has_its_span(opened: Opened, traced: Traced) -> None:
    async with serve(UNAVAILABLE, UNAVAILABLE, OK) as server:
        stub = await opened.stub(server, policy(), interceptors=traced.interceptors)
        assert await stub.UnaryUnary(b"x") == b"x"
    assert traced.names() == ["/t.T/UnaryUnary"] * 3
    assert len({headers["traceparent"] for headers in server.metadata}) == 3


async def test_rule_18_all_four_kinds_of_methods_work_with_it(opened: Opened, traced: Traced) -> None:
    async with serve() as server:
        stub = await opened.stub(server, policy(), interceptors=traced.interceptors)
        assert await stub.UnaryUnary(b"1") == b"1"
        assert [message async for message in stub.UnaryStream(b"2")] == [b"2"]
        assert await stub.StreamUnary(requests(b"3")) == b"3"
        assert [message async for message in stub.StreamStream(requests(b"4"))] == [b"4"]


async def test_a_stream_stopped_early_is_cancelled_through_it(opened: Opened, traced: Traced) -> None:
    async with serve([b"1", "wait"]) as server:
        stub = await opened.stub(server, policy(), interceptors=traced.interceptors)
        async with aclosing(stub.UnaryStream(b"")) as messages:
            assert await anext(messages) == b"1"
        await server.left.wait()


async def test_rule_19_a_rejection_is_seen_on_the_callers_span(opened: Opened, traced: Traced) -> None:
    async with serve(UNAVAILABLE) as server:
        notes = listeners(CollectorRegistry(), logging.getLogger("test.tracing"))
        touchy = policy(MethodPolicy(), min_calls=1)
        stub = await opened.stub(server, touchy, listeners=notes, interceptors=traced.interceptors)
        with traced.tracer.start_as_current_span("PlaceOrder"):
            assert await code_of(stub.UnaryUnary(b"")) is UNAVAILABLE
            with pytest.raises(CircuitOpen):
                await stub.UnaryUnary(b"")
    attempt, place_order = traced.exporter.get_finished_spans()
    assert attempt.name == "/t.T/UnaryUnary"
    assert [event.name for event in place_order.events] == ["circuit open"]
