"""What happens around every HTTP request? What happens around every RPC (interception.py), in the same order.

    tracing       a span covers everything below (http_spans.py, when switched on)
    observation   one line of the access log, the numbers of metrics.py, and who answered, in three headers
    admission     the same limit as for RPCs: a page counts as a call
    deadline      one instant for all calls that are made for a page
    application

A request is named by its method and the route that took it, never by its path: paths hold ids.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import nullcontext
from typing import Any

from mesh.resilience import deadline, degraded, propagation
from mesh.resilience.admission import Admission
from mesh.resilience.errors import NotAdmitted
from services.hosting import logs
from services.hosting.http_server import Http
from services.hosting.observation import Observer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

UNKNOWN_ROUTE = "unknown"  # one label for every path that somebody makes up
LONGEST_THAT_TRAVELS = 512  # characters; what W3C asks of a tracestate, and less than gRPC's 8 KiB for all together
ABORTED = 499  # what access logs write for a client that left before it was answered

UNBOUNDED = nullcontext()

logger = logging.getLogger(__name__)


class Requests:
    """`http.app` with everything in the list above but tracing."""

    def __init__(self, http: Http, observer: Observer, admission: Admission, *, seconds: float) -> None:
        self._http, self._observer, self._seconds = http, observer, seconds
        self._page = admission.door("http", streams=False)
        self._stream = admission.door("http stream", streams=True)
        self._write = logs.writer(logging.getLogger("argosy.access"), "http")
        self._says = [(key.encode(), str(value).encode()) for key, value in observer.trailers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = list(_fit_to_travel(scope["headers"]))
        traceparent = next((value for key, value in headers if key == "traceparent"), "")
        logs.trace_id.set(self._observer.trace_id(traceparent))
        began, answer = self._observer.monotonic(), _Answer(send, self._says, self._http)
        with propagation.adopt(headers), degraded.collect() as answer.without:
            try:
                await self._admitted(scope, receive, answer)
            except NotAdmitted as full:
                await _refuse(answer, full)
            except Exception:
                logger.exception("unexpected error", extra={"method": _name(scope)})
                await _fail(answer)
            finally:
                self._note(_name(scope), answer, self._observer.monotonic() - began)

    async def _admitted(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        endless = self._http.endless(scope["path"])
        door = self._stream if endless else self._page
        with door.place(None), UNBOUNDED if endless else deadline.adopt(self._seconds):
            await self._http.app(scope, receive, answer)

    def _note(self, name: str, answer: _Answer, seconds: float) -> None:
        status = answer.status or ABORTED
        numbers = self._observer.metrics.method(name)
        numbers.begin()
        numbers.end(str(status), seconds)
        facts: dict[str, object] = {"method": name, "code": status, "duration_ms": round(seconds * 1000, 3)}
        if answer.without:
            facts["degraded"] = ",".join(sorted(answer.without))
        self._write(facts)


class _Answer:
    """Where the application sends its answer: it notes the status, and adds who answered and without whom."""

    def __init__(self, send: Send, says: list[tuple[bytes, bytes]], http: Http) -> None:
        self._send, self._says, self._http = send, says, http
        self.status = 0
        self.without: set[str] = set()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            more = list(self._says)
            if self.without:
                more.append((b"argosy-degraded", ",".join(sorted(self.without)).encode()))
            if self._http.leaving.is_set():
                more.append((b"connection", b"close"))
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await self._send(message)


def _fit_to_travel(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    """The headers that gRPC can carry: HTTP allows more signs, and a call with one of them would fail."""
    for key, value in headers:
        if len(value) <= LONGEST_THAT_TRAVELS and value.isascii() and value.decode().isprintable():
            yield key.decode("latin-1"), value.decode()


def _name(scope: Scope) -> str:
    """What a request is called: the method and the route, such as GET /products/{product_id}."""
    path = getattr(scope.get("route"), "path", None)
    return f"{scope['method']} {path}" if path else UNKNOWN_ROUTE


async def _refuse(answer: _Answer, full: NotAdmitted) -> None:
    seconds = max(1, round(full.retry_in or 1))
    text = b"The shop is full at the moment. Please come back in a few seconds."
    await _plain(answer, 503, text, (b"retry-after", str(seconds).encode()))


async def _fail(answer: _Answer) -> None:
    """The end of a request that broke: nothing of why, and nothing at all after an answer that had begun."""
    if not answer.status:
        await _plain(answer, 500, b"Something went wrong on our side.")


async def _plain(answer: _Answer, status: int, text: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await answer({"type": "http.response.start", "status": status, "headers": headers})
    await answer({"type": "http.response.body", "body": text})
