"""What happens around every RPC, and in which order?

Outermost first, each with the reason for its place:

    tracing        a span covers everything below, and every log line can name it (tracing.py, when switched on)
    observation    counts, times and logs whatever the answer is, refusals included
    translation    below observation, so that the code it chooses is the code that is counted
    admission      the cheapest refusal comes first; what is behind it is what its limit measures
    deadline       what is begun knows its end: the caller's, or its own where that is sooner
    validation     a servicer only sees requests that keep their contract (kinds.py)
    servicer

All but tracing live in one grpc.aio interceptor which wraps each method once: every further
interceptor costs on every call. gRPC's own services (health, reflection) pass untouched, and the operators'
service passes admission, so that an overloaded server still answers its probes and its operators.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, NamedTuple, NoReturn

import grpc
from grpc.aio import AbortError

from mesh.resilience import deadline, degraded, propagation
from mesh.resilience.admission import Admission, Door
from mesh.resilience.server_policy import ServerPolicy
from services.hosting import kinds, status
from services.hosting.kinds import Answer, Context, Handler
from services.hosting.observation import Observation, Observer
from services.hosting.validation import RequestRules

UNKNOWN_METHOD = "unknown"  # one label for every name that somebody makes up
UNTOUCHED = "/grpc."
ALWAYS_ADMITTED = "/argosy.resilience.v1."

UNBOUNDED = nullcontext()

logger = logging.getLogger(__name__)


class Interceptor(grpc.aio.ServerInterceptor):
    """Everything in the list above but tracing, for all four kinds of RPC."""

    def __init__(
        self,
        rules: RequestRules,
        observer: Observer,
        admission: Admission,
        policy: ServerPolicy,
        *,
        default_deadline: float,
    ) -> None:
        self._rules = rules
        self._observer = observer
        self._admission = admission
        self._policy = policy
        self._default_deadline = default_deadline
        self._wrapped: dict[str, Handler] = {}
        refusing = self._around(UNKNOWN_METHOD, _unimplemented, None, Bounds(None, None))
        self._unknown: Handler = grpc.unary_unary_rpc_method_handler(refusing)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        method = handler_call_details.method
        if (known := self._wrapped.get(method)) is not None:
            return known
        handler = await continuation(handler_call_details)
        if method.startswith(UNTOUCHED):
            return handler
        if handler is None:
            return self._unknown
        self._wrapped[method] = wrapped = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Handler) -> Handler:
        answer = kinds.answer(handler, self._rules.check(method))
        own = self._policy.method(method).deadline
        # A caller may listen to a stream for as long as it likes.
        bounds = Bounds(None, None) if handler.response_streaming else Bounds(own, own or self._default_deadline)
        door = None
        if not method.startswith(ALWAYS_ADMITTED):
            streams = handler.request_streaming or handler.response_streaming
            door = self._admission.door(method, streams=streams)
        return kinds.handler(handler, self._around(method, answer, door, bounds))

    def _around(self, method: str, answer: Answer, door: Door | None, bounds: Bounds) -> Answer:
        """`answer` with everything around it."""
        observed = self._observer.method(method)

        async def call(request: Any, context: Context) -> Any:
            with observed.call(context) as observation:
                try:
                    left = _left(context)
                    with (
                        door.place(left) if door else UNBOUNDED,
                        propagation.adopt(context.invocation_metadata()),
                        degraded.collect() as stood_in,
                    ):
                        allowed, timer = bounds.of(left)
                        with UNBOUNDED if allowed is None else deadline.adopt(allowed):
                            async with timer:
                                response = await answer(request, context)
                        if stood_in:
                            observation.degrade(stood_in)
                        return response
                except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets a status
                    await _refuse(error, context, observation)

        return call


class Bounds(NamedTuple):
    """How long a method may take, in seconds, whatever its caller says; None: as long as it likes."""

    own: float | None
    unasked: float | None  # when the caller has set no deadline

    def of(self, left: float | None) -> tuple[float | None, AbstractAsyncContextManager[object]]:
        """The seconds a call may take whose caller waits `left` more, and what ends it then."""
        if left is None:
            return (None, UNBOUNDED) if self.unasked is None else (self.unasked, asyncio.timeout(self.unasked))
        if self.own is not None and self.own < left:
            return self.own, asyncio.timeout(self.own)
        return left, UNBOUNDED  # gRPC itself ends a call at its caller's deadline


def _left(context: Context) -> float | None:
    """Seconds until the caller's deadline, None without one. Raises TimeoutError when it has passed."""
    left: float | None = context.time_remaining()
    if left is not None and left <= 0:
        raise TimeoutError
    return left


async def _refuse(error: Exception, context: Context, observation: Observation) -> NoReturn:
    """End the call with the status of `error`; always raises what tells gRPC so."""
    if isinstance(error, AbortError):  # a servicer has chosen the status itself
        raise error
    refusal = status.refusal(error)
    if not refusal.expected:
        logger.error("unexpected error", exc_info=error, extra={"method": observation.method})
    observation.reason = refusal.reason
    await context.abort(refusal.code, refusal.message, (*observation.trailers, *refusal.trailers))


async def _unimplemented(_: Any, context: Context) -> NoReturn:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "this server has no such method")
