"""What is written down about every RPC, and what does every answer say about its server?

One line of JSON, the numbers of metrics.py, and two trailers: `argosy-pod` and `argosy-version`. A third,
`argosy-degraded`, names the services whose part of the answer is an old or a declared one.
Trailers, not initial metadata: headers before an error hide its status from Envoy's outlier
detection, and cost a write of their own (docs/decisions/0002-who-answered.md).
No line ever holds a request or a response.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self

from grpc import StatusCode
from grpc.aio import AbortError, ServicerContext

from services.hosting import logs
from services.hosting.caller import HEADER as CLIENT_CERTIFICATE
from services.hosting.caller import caller
from services.hosting.metrics import MethodMetrics, ServerMetrics

Trailers = tuple[tuple[str, str | bytes], ...]

logger = logging.getLogger("argosy.access")


class Observer:
    """What is written down about the calls of one server."""

    def __init__(
        self,
        metrics: ServerMetrics,
        *,
        pod: str,
        version: str,
        monotonic: Callable[[], float],
        trace_id: Callable[[str], str],
    ) -> None:
        self.metrics = metrics
        self.trailers: Trailers = (("argosy-pod", pod), ("argosy-version", version))
        self.monotonic = monotonic
        self.trace_id = trace_id
        self.write = logs.writer(logger, "rpc")

    def method(self, name: str) -> ObservedMethod:
        return ObservedMethod(self, name)


class ObservedMethod:
    """What is written down about the calls of one method."""

    def __init__(self, observer: Observer, name: str) -> None:
        self.observer = observer
        self.name = name
        self.metrics: MethodMetrics = observer.metrics.method(name)

    def call(self, context: ServicerContext[Any, Any]) -> Observation:
        return Observation(self, context)


class Observation:
    """One call, from its arrival to its answer; `reason` says why it was refused."""

    __slots__ = ("_began", "_caller", "_context", "_observed", "_stood_in", "method", "reason", "trailers")

    def __init__(self, observed: ObservedMethod, context: ServicerContext[Any, Any]) -> None:
        self._observed = observed
        self._context = context
        self.method = observed.name
        self.trailers = observed.observer.trailers
        self.reason = self._stood_in = ""

    def degrade(self, peers: Collection[str]) -> None:
        """The answer was made without these peers; it says so itself, and so does its line."""
        self._stood_in = ",".join(sorted(peers))
        self._context.set_trailing_metadata((*self.trailers, ("argosy-degraded", self._stood_in)))

    def __enter__(self) -> Self:
        observer = self._observed.observer
        self._began = observer.monotonic()
        self._observed.metrics.begin()
        self._context.set_trailing_metadata(self.trailers)
        certificate = traceparent = ""
        for key, value in self._context.invocation_metadata() or ():
            if key == CLIENT_CERTIFICATE:
                certificate = str(value)
            elif key == "traceparent":
                traceparent = str(value)
        self._caller = caller(certificate) if certificate else ""
        # Never reset: gRPC answers each call in a task of its own.
        logs.trace_id.set(observer.trace_id(traceparent))
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        seconds = self._observed.observer.monotonic() - self._began
        code = status_name(error, self._context)
        self._observed.metrics.end(code, seconds)
        facts: dict[str, object] = {"method": self.method, "code": code, "duration_ms": round(seconds * 1000, 3)}
        if self.reason:
            facts["reason"] = self.reason
        if self._stood_in:
            facts["degraded"] = self._stood_in
        facts["caller"] = self._caller
        self._observed.observer.write(facts)


# A timeout travels as a duration, so our deadline is later than the caller's by what the request took to arrive, and
# the caller's goodbye at its own deadline comes first. Whoever leaves this close to the end has run out of time.
_ON_ITS_WAY = 0.1  # seconds


def status_name(error: BaseException | None, context: ServicerContext[Any, Any]) -> str:
    """The name of the gRPC status that a call ends with."""
    if error is None or isinstance(error, AbortError):
        return _NAMES.get(context.code(), "OK")
    if isinstance(error, asyncio.CancelledError):
        remaining = context.time_remaining()
        over = remaining is not None and remaining <= _ON_ITS_WAY
        return "DEADLINE_EXCEEDED" if over else "CANCELLED"
    return "UNKNOWN"


# A context answers with the number or the name of its code, depending on who has set it.
_NAMES: dict[object, str] = {key: code.name for code in StatusCode for key in (code, code.value[0])}
