"""How is an HTTP request traced? One span, above those of all calls made for it; imported when tracing is on."""

from __future__ import annotations

from opentelemetry import propagate
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from services.hosting.http_requests import UNKNOWN_ROUTE, Message, Receive, Scope, Send
from services.hosting.http_server import Asgi

FAILED = 500  # this status and those above are the server's failure


class HttpSpans:
    """`app` with a span around every request that the sampler takes."""

    def __init__(self, app: Asgi, provider: TracerProvider) -> None:
        self._app = app
        self._tracer = provider.get_tracer("services.hosting")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        carrier = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        arrived = propagate.extract(carrier)
        with self._tracer.start_as_current_span(scope["method"], context=arrived, kind=SpanKind.SERVER) as span:

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= FAILED:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, noted)
            finally:
                route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", route)
