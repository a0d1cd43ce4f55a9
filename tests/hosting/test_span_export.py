"""When does a span leave? Later, so that a collector that is slow or gone costs no call anything."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from services.hosting import Host, Hosted, tracing
from services.hosting.lifecycle import serving
from tests.hosting.four import FOUR, Servicer, add_four, answer, call
from tests.hosting.running import settings


class Collector(TraceServiceServicer):
    """Counts the spans it is sent."""

    def __init__(self) -> None:
        self.spans = 0

    def Export(self, request: Any, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        del context
        self.spans += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        return ExportTraceServiceResponse()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(1))
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")  # milliseconds
    yield collector
    server.stop(0).wait()


@pytest.mark.parametrize(("how", "sent"), [("batched", 0), ("inline", 1)])
async def test_no_call_waits_until_its_span_is_sent_but_in_the_negative_control(
    how: str, sent: int, collector: Collector
) -> None:
    told = settings(otel_traces_exporter="otlp", span_export=how)
    with tracing.opened(told) as opened:
        hosted = Hosted([(FOUR, Servicer(answer), add_four)])
        async with serving(Host(told), hosted, opened) as address, grpc.aio.insecure_channel(address) as channel:
            await call(channel, "UnaryUnary")
        assert collector.spans == sent
    assert collector.spans == 1
