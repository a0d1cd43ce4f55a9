"""What is mended in OpenTelemetry's gRPC interceptors? Imported only when tracing is on.

both, unsampled calls      go round the interceptors, which cost them half of what a span costs (sampling.py here,
                           mesh/resilience/sampled.py there; docs/decisions/0012-sampling.md)
server, response streams   interception.py hands them on as coroutines that write, so they are
                           treated like unary calls
client, cancelled calls    with one response, they went on at the server until their deadline, and their span
                           was lost (open-telemetry/opentelemetry-python-contrib#3271)
client, unsendable calls   waited for their deadline (open-telemetry/opentelemetry-python-contrib#5046)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import _aio_client
from opentelemetry.instrumentation.grpc._aio_server import OpenTelemetryAioServerInterceptor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, StatusCode

from services.hosting.kinds import Handler
from services.hosting.sampling import Sampling


def server_interceptor(provider: TracerProvider) -> grpc.aio.ServerInterceptor:
    """Records a span for each call that arrives and is sampled; to be the outermost interceptor."""
    record = _Server(provider.get_tracer("services.hosting"))  # type: ignore[no-untyped-call]
    return _Sampled(Sampling(provider), record)


def client_interceptors(provider: TracerProvider) -> Sequence[grpc.aio.ClientInterceptor]:
    """Record a span for each call that leaves, and send its trace context; one for each kind of RPC."""
    tracer = provider.get_tracer("services.hosting")
    kinds = (
        _UnaryUnary,
        _aio_client.UnaryStreamAioClientInterceptor,
        _StreamUnary,
        _aio_client.StreamStreamAioClientInterceptor,
    )
    return [kind(tracer) for kind in kinds]


def current_trace_id() -> str:
    """The trace id of the span at hand in hex; empty without one."""
    found = trace.get_current_span().get_span_context().trace_id
    return f"{found:032x}" if found else ""


class _Sampled(grpc.aio.ServerInterceptor):
    def __init__(self, sampling: Sampling, record: grpc.aio.ServerInterceptor) -> None:
        self._sampling, self._record = sampling, record

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        # gRPC's own services: probes and reflection tell nothing about the shop.
        if handler_call_details.method.startswith("/grpc.") or not self._sampling.adopt(handler_call_details):
            return await continuation(handler_call_details)
        return await self._record.intercept_service(continuation, handler_call_details)


class _Server(OpenTelemetryAioServerInterceptor):
    def _intercept_aio_server_stream(self, behavior: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._intercept_aio_server_unary(behavior, handler_call_details)  # type: ignore[no-untyped-call]


class _Ending(_aio_client._BaseAioClientInterceptor):  # noqa: SLF001  # there is no public place for it
    async def _wrap_unary_response(self, continuation: Callable[[], Awaitable[Any]], span: Span) -> Any:
        """The call, when it is over. Awaited itself, not its code: so it is cancelled with us, and fails at once."""
        try:
            call = await continuation()
            await call
        except grpc.aio.AioRpcError as error:
            span.set_attribute("rpc.grpc.status_code", error.code().value[0])
            span.set_status(StatusCode.ERROR, error.details())
            raise
        except BaseException as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        else:
            return call
        finally:
            span.end()


class _UnaryUnary(_Ending, _aio_client.UnaryUnaryAioClientInterceptor):
    pass


class _StreamUnary(_Ending, _aio_client.StreamUnaryAioClientInterceptor):
    pass
