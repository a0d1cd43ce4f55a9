"""What happens around every RPC, and in which order?

Outermost first, each with the reason for its place:

    tracing        a span covers everything below, and every log line can name it (tracing.py, when switched on)
    observation    counts, times and logs whatever the answer is, refusals included
    translation    below observation, so that the code it chooses is the code that is counted
    shedding       the cheapest refusal comes first
    deadline       what nobody waits for any more is not begun; what is begun knows its end
    validation     a servicer only sees requests that keep their contract (kinds.py)
    servicer

All but tracing live in one grpc.aio interceptor which wraps each method once: every further
interceptor costs on every call. gRPC's own services (health, reflection) pass untouched, so that an
overloaded server still answers its probes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, NoReturn

import grpc
from grpc.aio import AbortError

from mesh.resilience import deadline, propagation
from services.hosting import kinds, status
from services.hosting.errors import Overloaded
from services.hosting.kinds import Answer, Context, Handler
from services.hosting.observation import Observation, Observer
from services.hosting.validation import RequestRules

UNKNOWN_METHOD = "unknown"  # one label for every name that somebody makes up

UNBOUNDED = nullcontext()

logger = logging.getLogger(__name__)


class Interceptor(grpc.aio.ServerInterceptor):
    """Everything in the list above but tracing, for all four kinds of RPC."""

    def __init__(
        self, rules: RequestRules, observer: Observer, *, max_concurrent_rpcs: int, default_deadline: float
    ) -> None:
        self._rules = rules
        self._observer = observer
        self._slots = Slots(max_concurrent_rpcs)
        self._default_deadline = default_deadline
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        method = handler_call_details.method
        if (known := self._wrapped.get(method)) is not None:
            return known
        handler = await continuation(handler_call_details)
        if method.startswith("/grpc."):
            return handler
        if handler is None:  # not remembered, unlike the others: there is no end of names
            return grpc.unary_unary_rpc_method_handler(self._around(UNKNOWN_METHOD, _unimplemented, bounded=True))
        self._wrapped[method] = wrapped = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Handler) -> Handler:
        answer = kinds.answer(handler, self._rules.check(method))
        return kinds.handler(handler, self._around(method, answer, bounded=not handler.response_streaming))

    def _around(self, method: str, answer: Answer, *, bounded: bool) -> Answer:
        """`answer` with everything around it; unless `bounded`, a caller may listen for as long as it likes."""
        observed, default = self._observer.method(method), self._default_deadline

        async def call(request: Any, context: Context) -> Any:
            with observed.call(context) as observation:
                try:
                    with self._slots, propagation.adopt(context.invocation_metadata()):
                        left = _left(context)
                        # gRPC itself ends a call at its caller's deadline.
                        timer = asyncio.timeout(default) if left is None and bounded else UNBOUNDED
                        limit = default if left is None and bounded else left
                        with UNBOUNDED if limit is None else deadline.adopt(limit):
                            async with timer:
                                return await answer(request, context)
                except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets a status
                    await _refuse(error, context, observation)

        return call


class Slots:
    """How many calls may be answered at once; entering beyond that raises Overloaded."""

    def __init__(self, number: int) -> None:
        self._free = number

    def __enter__(self) -> None:
        if self._free <= 0:
            raise Overloaded("TOO_MANY_CALLS", "this server is answering as many calls as it can")
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


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
