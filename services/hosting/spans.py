"""What is mended in OpenTelemetry's gRPC interceptors? Imported only when tracing is on.

server, response streams   interception.py hands them on as coroutines that write, so they are
                           treated like unary calls
client, cancelled calls    their span was never ended, so it was lost
                           (open-telemetry/opentelemetry-python-contrib#3271)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import _aio_client, filters
from opentelemetry.instrumentation.grpc._aio_server import OpenTelemetryAioServerInterceptor
from opentelemetry.trace import Span, StatusCode, TracerProvider

# gRPC's own services: probes and reflection tell nothing about the shop.
_OURS = filters.negate(filters.service_prefix("grpc."))


def server_interceptor(provider: TracerProvider) -> grpc.aio.ServerInterceptor:
    """Records a span for each call that arrives; to be the outermost interceptor."""
    return _Server(provider.get_tracer("services.hosting"), filter_=_OURS)  # type: ignore[no-untyped-call]


def client_interceptors(provider: TracerProvider) -> Sequence[grpc.aio.ClientInterceptor]:
    """Record a span for each call that leaves, and send its trace context; one for each kind of RPC."""
    tracer = provider.get_tracer("services.hosting")
    kinds = (
        _UnaryUnary,
        _aio_client.UnaryStreamAioClientInterceptor,
        _StreamUnary,
        _aio_client.StreamStreamAioClientInterceptor,
    )
    return [kind(tracer, filter_=_OURS) for kind in kinds]


def current_trace_id() -> str:
    """The trace id of the span at hand in hex; empty without one."""
    found = trace.get_current_span().get_span_context().trace_id
    return f"{found:032x}" if found else ""


class _Server(OpenTelemetryAioServerInterceptor):
    def _intercept_aio_server_stream(self, behavior: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._intercept_aio_server_unary(behavior, handler_call_details)  # type: ignore[no-untyped-call]


class _Ending(_aio_client._BaseAioClientInterceptor):  # noqa: SLF001  # there is no public place for it
    async def _wrap_unary_response(self, continuation: Callable[[], Awaitable[Any]], span: Span) -> Any:
        try:
            return await super()._wrap_unary_response(continuation, span)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            span.set_status(StatusCode.ERROR, "cancelled by the caller")
            span.end()
            raise
        except grpc.aio.AioRpcError:  # an interceptor further in gave up
            span.end()
            raise


class _UnaryUnary(_Ending, _aio_client.UnaryUnaryAioClientInterceptor):
    pass


class _StreamUnary(_Ending, _aio_client.StreamUnaryAioClientInterceptor):
    pass
