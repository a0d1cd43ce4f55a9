"""Are calls traced, and where do spans go? Off unless OpenTelemetry's own variables ask for it.

OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER=otlp|console switches it on; the SDK reads its other
variables (sampler, headers, resource attributes) itself. Off means no interceptor at all. On, a call that
OTEL_TRACES_SAMPLER takes costs each end about 100 us, and one that it leaves about 10 (sampling.py). The
caller's W3C trace context travels on either way (mesh.resilience.propagation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import grpc

from services.hosting import logs
from services.hosting.settings import HostSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from services.hosting.http_server import Asgi


@dataclass(frozen=True)
class Tracing:
    """What a server and its channels need so that calls are traced."""

    server_interceptors: Sequence[grpc.aio.ServerInterceptor]
    client_interceptors: Sequence[grpc.aio.ClientInterceptor]
    trace_id: Callable[[str], str]  # of the call at hand, given its traceparent header
    http: Callable[[Asgi], Asgi] = lambda app: app  # what records the requests of an ASGI application


OFF = Tracing((), (), logs.trace_id_of)


@contextmanager
def opened(settings: HostSettings) -> Iterator[Tracing]:
    """Tracing as the settings want it; what was recorded is exported before the block ends."""
    wanted = settings.otel_traces_exporter or ("otlp" if settings.otel_exporter_otlp_endpoint else "none")
    if settings.otel_sdk_disabled or wanted == "none":
        yield OFF
        return
    from opentelemetry.sdk.trace import export  # noqa: PLC0415  # see `traced`

    processor = export.BatchSpanProcessor if settings.span_export == "batched" else export.SimpleSpanProcessor
    provider = recording(settings, processor(_exporter(wanted)))
    try:
        yield traced(provider)
    finally:
        provider.shutdown()


def traced(provider: TracerProvider) -> Tracing:
    """Interceptors that record to `provider`, which `recording` has made."""
    from services.hosting import spans  # noqa: PLC0415  # 10 MiB that an untraced service does without

    return Tracing(
        [spans.server_interceptor(provider)],
        spans.client_interceptors(provider),
        lambda _: spans.current_trace_id(),
        partial(_recorded, provider),
    )


def _recorded(provider: TracerProvider, app: Asgi) -> Asgi:
    from services.hosting.http_spans import HttpSpans  # noqa: PLC0415  # and uvicorn, which few services need

    return HttpSpans(app, provider)


def recording(settings: HostSettings, processor: SpanProcessor) -> TracerProvider:
    """A provider of spans that `processor` gets: those that the environment's sampler takes."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    from services.hosting.sampling import DecidedIds  # noqa: PLC0415

    facts = {
        "service.name": settings.service_name,
        "service.version": settings.service_version,
        "service.namespace": settings.pod_namespace,
        "service.instance.id": settings.pod_name,
    }
    provider = TracerProvider(resource=Resource.create(facts), id_generator=DecidedIds(), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        def line(span: ReadableSpan) -> str:
            return f"{span.to_json(indent=None)}\n"

        return ConsoleSpanExporter(formatter=line)
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter()
