"""A sampled trace is whole across services; an unsampled call leaves no span anywhere, and breaks no trace."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse

from mesh.resilience import BreakerPolicy, MethodPolicy, PeerPolicy
from mesh.resilience.propagation import TRACE as TRACE_CONTEXT
from services.hosting import Host, Hosted, tracing
from services.hosting.errors import DependencyUnavailable
from services.hosting.lifecycle import serving
from services.hosting.sampling import Sampling
from tests.hosting.four import FOUR, KINDS, Behaviour, Servicer, add_four, answer, call, call_four
from tests.hosting.running import settings

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
LONG = 600.0  # seconds: whoever waits for a deadline instead of an event fails the test
QUICK = MethodPolicy(timeout=LONG, idempotent=True, backoff=0.001)
CLOSED = BreakerPolicy(min_calls=1000)


class FourStub:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        for kind in KINDS:
            setattr(self, kind, call_four(channel, kind))


@dataclass
class Two:
    """A front service that asks a back service, both traced; `seen` is the trace context that reaches the back."""

    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    seen: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def tracing(self, name: str) -> tracing.Tracing:
        return tracing.traced(tracing.recording(settings(service_name=name), SimpleSpanProcessor(self.spans)))

    @asynccontextmanager
    async def back(self, behave: Behaviour) -> AsyncIterator[str]:
        async def noted(request: GetProductRequest, context: Any) -> GetProductResponse:
            self.seen += [str(value) for key, value in context.invocation_metadata() if key in TRACE_CONTEXT]
            self.asked.set()
            return await behave(request, context)

        async with serving(Host(settings()), _four(noted), self.tracing("back")) as address:
            yield address

    @asynccontextmanager
    async def front(self, back: str, kind: str = "UnaryUnary") -> AsyncIterator[grpc.aio.Channel]:
        """A channel to the front, which asks the service at `back` by one kind of RPC for every answer."""
        traced = self.tracing("front")
        host = Host(settings(), client_interceptors=traced.client_interceptors)
        policy = PeerPolicy(methods={f"/test.v1.Four/{each}": QUICK for each in KINDS}, breakers={"default": CLOSED})
        async with host.peer("back", back, policy) as peer:
            stub = peer.stub(FourStub)

            async def ask(request: GetProductRequest, _: Any) -> GetProductResponse:
                started = getattr(stub, kind)(_one(request) if kind.startswith("Stream") else request)
                [response] = [each async for each in started] if kind.endswith("Stream") else [await started]
                assert isinstance(response, GetProductResponse)
                return response

            async with (
                serving(host, _four(ask), traced) as address,
                grpc.aio.insecure_channel(address) as channel,
            ):
                yield channel

    def kinds(self) -> Counter[SpanKind]:
        return Counter(span.kind for span in self.spans.get_finished_spans())


async def _one(request: GetProductRequest) -> AsyncIterator[GetProductRequest]:
    yield request


def _four(behave: Behaviour) -> Hosted:
    return Hosted([(FOUR, Servicer(behave), add_four)])


def failing(times: int) -> Behaviour:
    left = [DependencyUnavailable("database", retry_in=0.001) for _ in range(times)]

    async def behave(request: GetProductRequest, context: Any) -> GetProductResponse:
        if left:
            raise left.pop()
        return await answer(request, context)

    return behave


def by_id(spans: list[ReadableSpan]) -> dict[int, ReadableSpan]:
    return {span.context.span_id: span for span in spans if span.context}


@pytest.mark.parametrize("traceparent", [SAMPLED, None], ids=["the caller's trace", "a trace of its own"])
async def test_rule_19_a_sampled_trace_is_whole_across_services_and_retries(traceparent: str | None) -> None:
    two = Two()
    async with two.back(failing(2)) as back, two.front(back) as channel:
        await call(channel, "UnaryUnary", metadata=(("traceparent", traceparent),) if traceparent else ())
    spans = list(two.spans.get_finished_spans())
    assert two.kinds() == {SpanKind.CLIENT: 3, SpanKind.SERVER: 1 + 3}
    assert len({span.context.trace_id for span in spans if span.context}) == 1

    known = by_id(spans)
    edges = Counter(
        (span.kind, known[span.parent.span_id].kind) for span in spans if span.parent and span.parent.span_id in known
    )
    assert edges == {(SpanKind.CLIENT, SpanKind.SERVER): 3, (SpanKind.SERVER, SpanKind.CLIENT): 3}
    assert len({span.parent.span_id for span in spans if span.parent and span.kind is SpanKind.SERVER}) >= 3
    [outermost] = [span for span in spans if not span.parent or span.parent.span_id not in known]
    assert (f"{outermost.parent.span_id:016x}" if outermost.parent else None) == (PARENT if traceparent else None)
    assert (outermost.attributes or {})["rpc.grpc.status_code"] == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_rule_18_an_unsampled_call_leaves_no_span_and_its_callers_context_as_it_was(kind: str) -> None:
    two = Two()
    async with two.back(answer) as back, two.front(back, kind) as channel:
        await call(channel, kind, metadata=(("traceparent", UNSAMPLED), ("tracestate", "a=1")))
    assert two.kinds() == {}
    assert two.seen == [UNSAMPLED, "a=1"]


@pytest.mark.parametrize(
    ("sampler", "argument"), [("parentbased_always_off", ""), ("parentbased_traceidratio", "0"), ("always_off", "")]
)
async def test_nobody_below_an_unsampled_call_begins_a_trace(
    sampler: str, argument: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Two()
    async with two.back(failing(1)) as back:  # which would record every trace it begins
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
        async with two.front(back) as channel:
            await call(channel, "UnaryUnary")
    assert two.kinds() == {}
    contexts = [propagate.extract({"traceparent": each}) for each in two.seen]
    told = [trace.get_current_span(each).get_span_context() for each in contexts]
    assert [each.is_valid and not each.trace_flags.sampled for each in told] == [True, True]
    assert len({each.trace_id for each in told}) == 1


async def test_without_the_caller_s_word_the_service_below_does_begin_a_trace() -> None:
    two = Two()
    async with two.back(answer) as back, grpc.aio.insecure_channel(back) as channel:
        await call(channel, "UnaryUnary")
    assert two.kinds() == {SpanKind.SERVER: 1}


async def test_a_servicer_s_own_span_in_an_unsampled_call_is_not_recorded() -> None:
    two = Two()
    provider = tracing.recording(settings(), SimpleSpanProcessor(two.spans))

    async def measure(request: GetProductRequest, context: Any) -> GetProductResponse:
        with provider.get_tracer("test").start_as_current_span("own"):
            return await answer(request, context)

    async with two.back(measure) as back, grpc.aio.insecure_channel(back) as channel:
        await call(channel, "UnaryUnary", metadata=(("traceparent", UNSAMPLED),))
        assert two.kinds() == {}
        await call(channel, "UnaryUnary", metadata=(("traceparent", SAMPLED),))
    assert two.kinds() == {SpanKind.INTERNAL: 1, SpanKind.SERVER: 1}


async def test_probes_leave_no_span() -> None:
    two = Two()
    async with two.back(answer) as back, grpc.aio.insecure_channel(back) as channel:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
    assert two.kinds() == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_rule_19_a_cancelled_call_leaves_every_span_finished(kind: str) -> None:
    async def hold(_: Any, __: Any) -> GetProductResponse:
        await asyncio.Event().wait()
        raise AssertionError

    two = Two()
    async with two.back(hold) as back, two.front(back, kind) as channel:
        task = asyncio.create_task(call(channel, "UnaryUnary", timeout=LONG))
        await two.asked.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while two.kinds() != {SpanKind.SERVER: 2, SpanKind.CLIENT: 1}:
            await asyncio.sleep(0)  # polling, bounded by the test's timeout


@pytest.mark.parametrize("kind", KINDS)
async def test_rule_19_a_call_that_nobody_takes_leaves_a_finished_span_for_each_attempt(kind: str) -> None:
    two = Two()
    async with two.back(answer) as back:
        pass  # nobody listens there any more
    async with two.front(back, kind) as channel:
        with pytest.raises(AioRpcError):
            await call(channel, "UnaryUnary")
    attempts = [span for span in two.spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
    assert len(attempts) == (1 if kind.startswith("Stream") else 3)
    assert {span.status.status_code for span in attempts} == {StatusCode.ERROR}
    assert {(span.attributes or {})["rpc.grpc.status_code"] for span in attempts} == {
        grpc.StatusCode.UNAVAILABLE.value[0]
    }


SAMPLERS = (
    *(sampling.ALWAYS_ON, sampling.ALWAYS_OFF, sampling.DEFAULT_ON, sampling.DEFAULT_OFF),
    *(sampling.TraceIdRatioBased(0.5), sampling.ParentBasedTraceIdRatio(0.5)),
)
TRACE_IDS = st.integers(min_value=1, max_value=2**128 - 1)
PARENTS = st.builds(lambda trace_id, flags: f"00-{trace_id:032x}-{PARENT}-{flags:02x}", TRACE_IDS, st.integers(0, 3))


@example(sampling.ALWAYS_OFF, SAMPLED, 0)
@given(st.sampled_from(SAMPLERS), st.none() | PARENTS | st.just("nonsense"), st.integers())
def test_the_decision_is_the_one_the_sdk_takes(sampler: sampling.Sampler, traceparent: str | None, seed: int) -> None:
    random.seed(seed)  # of which trace ids are made
    provider = tracing.recording(settings(), SimpleSpanProcessor(InMemorySpanExporter()))
    provider.sampler = sampler
    tracer = provider.get_tracer("test")
    headers = {"traceparent": traceparent, "tracestate": "a=1"} if traceparent else {}
    details: Any = SimpleNamespace(method="/test.v1.Four/UnaryUnary", invocation_metadata=tuple(headers.items()))

    def decide() -> None:
        caller = propagate.extract(headers)
        if Sampling(provider).adopt(details):
            begun = tracer.start_span("call", caller)
            another = tracer.start_span("another trace", Context())
            assert begun.is_recording()
            assert begun.get_span_context().trace_id != another.get_span_context().trace_id
        else:
            here = trace.get_current_span().get_span_context()
            assert here.is_valid
            assert not here.trace_flags.sampled
            assert here.trace_state == trace.get_current_span(caller).get_span_context().trace_state
            assert not tracer.start_span("below").is_recording()

    copy_context().run(decide)
