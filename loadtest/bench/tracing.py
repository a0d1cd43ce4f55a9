"""What does tracing cost? The same calls through the same layers at both ends, with and without it.

Beside ours, OpenTelemetry's interceptors as its package installs them: round every call, whether anybody records it
or not. That is why ours decide first (docs/decisions/0012-sampling.md). Spans go to a batch processor that throws
them away: what an exporter adds is its own.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from io import StringIO
from types import SimpleNamespace
from typing import Any

import grpc
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.grpc import aio_client_interceptors, aio_server_interceptor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, NoOpTracerProvider, SpanContext, TraceFlags
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub, add_CatalogServiceServicer_to_server

from loadtest.bench.paired import Blocks, Rpc, in_turn, microseconds
from loadtest.bench.resilience import NoWire, open_catalog, policy, telemetry
from loadtest.bench.row import Row
from loadtest.bench.target import GET_PRODUCT, Catalog, another_process, asking
from mesh.resilience import Peer
from mesh.resilience.propagation import TRACE
from mesh.resilience.sampled import SampledChannel
from services.hosting import Host, Hosted, HostSettings, logs, tracing
from services.hosting.lifecycle import serving
from services.hosting.sampling import DecidedIds
from services.hosting.tracing import OFF, Tracing

IN_FLIGHT = 16
ROUNDS = 30
TRACE_ID, SPAN_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


def in_span(*, sampled: bool) -> Context:
    """What the answering of a call is in: a span that is recorded, or one that nobody records."""
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return trace.set_span_in_context(
        NonRecordingSpan(SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=flags))
    )


RECORDED, DROPPED = in_span(sampled=True), in_span(sampled=False)


@dataclass(frozen=True)
class Way:
    """How both ends are traced, and the spans that successive calls are made in."""

    tracing: Callable[[], Tracing]
    always: bool  # enter OpenTelemetry's interceptors whatever the span says, as its package does
    spans: Sequence[Context] = (RECORDED,)


class NoExport(SpanExporter):
    """Throws spans away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - an exporter's signature
        return SpanExportResult.SUCCESS


class NoLog(StringIO):
    """Throws a service's log away."""

    def write(self, line: str) -> int:
        return len(line)


def ours() -> Tracing:
    """As a service has it."""
    return tracing.traced(tracing.recording(HostSettings(), BatchSpanProcessor(NoExport())))


def package(provider: trace.TracerProvider) -> Tracing:
    """As opentelemetry-instrumentation-grpc has it."""
    client = aio_client_interceptors(provider)  # type: ignore[no-untyped-call]
    return Tracing([aio_server_interceptor(provider)], client, logs.trace_id_of)  # type: ignore[no-untyped-call]


def package_with(sampler: sampling.Sampler) -> Tracing:
    """As the package has it, with an SDK."""
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(NoExport()))
    return package(provider)


WAYS: Mapping[str, Way] = {
    "off": Way(lambda: OFF, always=True),
    "package, no SDK": Way(lambda: package(NoOpTracerProvider()), always=True),
    "package, sampler off": Way(lambda: package_with(sampling.ALWAYS_OFF), always=True),
    "package, recorded": Way(lambda: package_with(sampling.ALWAYS_ON), always=True),
    "ours, recorded": Way(ours, always=False),
    "ours, 1 %": Way(ours, always=False, spans=(RECORDED, *[DROPPED] * 99)),
    "ours, unsampled": Way(ours, always=False, spans=(DROPPED,)),
}


async def measure(say: Callable[[str], None]) -> list[Row]:
    """What a call that nobody records costs each end, and the rate kept with tracing at both."""
    say("unsampled calls off the wire")
    off_wire = [await client_end(), *await server_end()]
    say(f"{len(WAYS)} ways to trace in turn, {IN_FLIGHT} in flight")
    async with AsyncExitStack() as stack:
        targets = {name: await stack.enter_async_context(another_process(partial(hosted, name))) for name in WAYS}
        calls = {name: await stack.enter_async_context(calling(WAYS[name], targets[name].address)) for name in WAYS}
        blocks = await in_turn(calls, rounds=ROUNDS, in_flight=IN_FLIGHT, servers=targets)
    return [*off_wire, *rows(blocks)]


def rows(blocks: Blocks) -> list[Row]:
    """What the blocks say of each way, beside the first."""
    found = []
    for name in [name for name in WAYS if name != "off"]:
        of, rate = f"tracing: {name},", blocks.kept(name, "off")
        client, server = blocks.added(name, "off")
        held = name == "ours, 1 %"
        found += [
            Row.at_least(f"{of} rate / off", rate, 0.80, "x") if held else Row.context(f"{of} rate / off", rate, "x"),
            Row.context(f"{of} client CPU added", client, "us per call"),
            Row.context(f"{of} server CPU added", server, "us per call"),
        ]
    return found


@asynccontextmanager
async def hosted(name: str, catalog: Catalog) -> AsyncIterator[str]:
    """The catalog as a pod hosts it, its log thrown away."""
    quick: dict[str, Any] = {"listen_address": "127.0.0.1:0", "drain_delay_seconds": 0.0, "drain_seconds": 0.0}
    settings = HostSettings(**quick, adaptive_limit="off")  # a refused call is no measurement
    contract = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
    served = Hosted([(contract, catalog, add_CatalogServiceServicer_to_server)])
    logs.configure(settings, NoLog())
    async with serving(Host(settings), served, WAYS[name].tracing()) as address:
        yield address


@asynccontextmanager
async def calling(way: Way, address: str) -> AsyncIterator[Rpc]:
    """GetProduct of the catalog there; each call is made in the next of the way's spans."""
    interceptors = way.tracing().client_interceptors
    async with AsyncExitStack() as stack:
        if way.always:
            channel = grpc.aio.insecure_channel(address, interceptors=interceptors)
            await stack.enter_async_context(channel)
            peer = Peer("catalog", channel, policy(), listeners=telemetry(), withheld=TRACE)
        else:
            peer = await stack.enter_async_context(open_catalog(address, interceptors=interceptors))
        yield _within(way.spans, peer.stub(CatalogServiceStub).GetProduct)


def _within(spans: Iterable[Context], rpc: Rpc) -> Rpc:
    turn = itertools.cycle(spans)

    async def call(request: Any, **options: Any) -> Any:
        token = context.attach(next(turn))
        try:
            return await rpc(request, **options)
        finally:
            context.detach(token)

    return call


async def client_end() -> Row:
    """What choosing the way round the interceptors, and telling those below, costs a call."""
    channel: Any = NoWire()
    bare = CatalogServiceStub(channel).GetProduct
    either: Any = SampledChannel(channel, channel)
    unsampled = CatalogServiceStub(either).GetProduct
    request = asking()
    token = context.attach(DROPPED)
    cost = await microseconds(lambda: unsampled(request)) - await microseconds(lambda: bare(request))
    context.detach(token)
    return Row.at_most("tracing: unsampled call, client end, no wire", round(cost, 2), 15.0, "us CPU")


async def server_end() -> list[Row]:
    """What deciding not to trace costs a call that arrives, with its caller's word and without."""
    provider = TracerProvider(sampler=sampling.DEFAULT_OFF, id_generator=DecidedIds(), shutdown_on_exit=False)
    [interceptor] = tracing.traced(provider).server_interceptors
    always = (("user-agent", "grpc-python-asyncio/1.85.1"), ("x-request-id", "0b7e54f2-3b1c-4a68-9d2e-5f1a6b0c7d8e"))
    told = (("traceparent", f"00-{TRACE_ID:032x}-{SPAN_ID:016x}-00"),)

    async def cost(headers: tuple[tuple[str, str], ...]) -> float:
        details: Any = SimpleNamespace(method=GET_PRODUCT, invocation_metadata=headers)
        decided = partial(interceptor.intercept_service, _handler, details)
        return round(await microseconds(decided) - await microseconds(lambda: _handler(details)), 2)

    of = "tracing: unsampled call, server end, no wire"
    return [
        Row.at_most(of, await cost((*always, *told)), 15.0, "us CPU"),
        Row.at_most(f"{of}, nobody above", await cost(always), 15.0, "us CPU"),
    ]


async def _handler(_: object) -> Any:
    """What is further in."""
