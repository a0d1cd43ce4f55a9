"""In which order does a call pass its layers? Written once, outermost first.

    fallback > deadline > retry > bulkhead > breaker > per-try timeout > RPC

The fallback is not here: fallback.py puts it around those methods that have one. The deadline bounds
everything below it, retries and waits included. Each retry asks bulkhead and breaker anew, so the breaker
sees every attempt and an open circuit ends the retrying; a call that waits for its retry takes no place.
The per-try timeout is closest to the wire: what it cuts short is one attempt, which the breaker then judges.

`Call` and `Attempt` are context managers: whatever is begun is settled and reported, however it ends.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import deadline
from mesh.resilience.errors import BulkheadFull, CircuitOpen, DeadlineSpent
from mesh.resilience.events import AttemptEnded, BulkheadRejected, CallEnded, CallRejected
from mesh.resilience.guard import Guard
from mesh.resilience.retry import Retries, worth_another
from mesh.resilience.verdicts import HEALTHY, NEUTRAL, SLOW, VERDICTS, Health

_OK = StatusCode.OK  # finding an enum's member takes Python 3.11 longer than admitting a call
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ResponseStream(Protocol[T_co]):
    """The half of a grpc.aio streaming call that we use."""

    def __aiter__(self) -> AsyncIterator[T_co]: ...
    def cancel(self) -> bool: ...


class Method:
    """The calls of one RPC method of one peer. `send` begins one RPC that may take the given seconds."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    async def unary(self, send: Callable[[float], Awaitable[T]], timeout: float | None) -> T:
        """The one response. Raises AioRpcError: the last attempt's, CircuitOpen or DeadlineSpent."""
        with Call(self.guard, timeout) as call:
            try:
                # _respond, spelled out: nearly every call ends here, without the cost of two more coroutines
                with Attempt(call) as allowed:
                    return await send(allowed)
            except AioRpcError as failure:
                if not call.worth_another(failure):
                    raise
                return await call.resume(failure, partial(_respond, call, send))

    def stream(self, send: Callable[[float], ResponseStream[T]], timeout: float | None) -> AsyncGenerator[T, None]:
        """The responses; the clock starts now. Errors as for `unary`, while iterating.

        Tried again only until the first message: after that the caller has seen part of an answer.
        """
        return _stream(Call(self.guard, timeout), send)


class Call:
    """One logical call, from its first attempt to its last."""

    __slots__ = ("attempts", "cut_short", "guard", "started", "until")

    def __init__(self, guard: Guard, timeout: float | None) -> None:
        self.guard = guard
        self.attempts = 0
        self.cut_short = False  # did the per-try timeout, not the deadline, bound the last attempt?
        self.started = guard.clock()
        self.until = self.started + guard.policy.timeout
        if timeout is not None and timeout < guard.policy.timeout:
            self.until = self.started + timeout
        inherited = deadline.current()
        if inherited is not None and inherited < self.until:
            self.until = inherited

    def worth_another(self, error: BaseException) -> bool:
        """Whether another attempt could help."""
        return worth_another(error, self.guard.policy, cut_short=self.cut_short)

    async def resume(self, failure: AioRpcError, attempt: Callable[[], Awaitable[T]]) -> T:
        """What a later attempt brings, after the first failed."""
        return await Retries(self.guard, until=self.until, worth=self.worth_another).resume(failure, attempt)

    def __enter__(self) -> Self:
        self.guard.budget.deposit(self.started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        guard = self.guard
        code = _OK if error is None else _status(error)
        seconds, allowed = guard.clock() - self.started, self.until - self.started
        guard.listeners.publish(CallEnded(guard.peer, guard.method, code, self.attempts, seconds, allowed))


class Attempt:
    """One try on the wire: admitted by bulkhead and breaker, judged when it ends, however it ends."""

    __slots__ = ("_allowed", "_answered", "_call", "_generation", "_started")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._answered: float | None = None

    def __enter__(self) -> float:
        """The seconds the attempt may take. Raises DeadlineSpent, BulkheadFull or CircuitOpen."""
        call, guard = self._call, self._call.guard
        self._started = guard.clock()
        left = call.until - self._started
        if left <= 0:
            raise DeadlineSpent(guard.peer, guard.method)
        try:
            guard.bulkhead.enter()
        except BulkheadFull as full:
            guard.listeners.publish(BulkheadRejected(guard.peer, guard.method, full.in_flight))
            raise
        try:
            self._generation = guard.breaker.admit(self._started)
        except CircuitOpen as no:
            guard.bulkhead.leave()
            guard.listeners.publish(CallRejected(guard.peer, guard.method, no.group, no.retry_in))
            raise
        longest = guard.policy.per_try_timeout
        call.attempts += 1
        call.cut_short = longest is not None and longest < left
        self._allowed = longest if longest is not None and longest < left else left
        return self._allowed

    def answered(self) -> None:
        """The first message of a stream is here: from now on it is neither slow nor a trial, however long it lasts."""
        if self._answered is None:
            guard = self._call.guard
            self._answered = now = guard.clock()
            health = SLOW if now - self._started > guard.breaker.slow_after else HEALTHY
            self._generation = guard.breaker.answered(self._generation, health, now)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        guard = self._call.guard
        now = guard.clock()
        guard.bulkhead.leave()
        if error is None:
            health, code, local = HEALTHY, _OK, False
        else:
            health, code, local = self._health(error), _status(error), not isinstance(error, AioRpcError)
        answered = now if self._answered is None else self._answered
        if health is HEALTHY and answered - self._started > guard.breaker.slow_after:
            health = SLOW
        guard.breaker.settle(self._generation, health, now)
        guard.listeners.publish(AttemptEnded(guard.peer, guard.method, code, local, now - self._started))

    def _health(self, error: BaseException) -> Health:
        if not isinstance(error, AioRpcError):
            return NEUTRAL  # cancelled here, or our own bug: not the peer's doing
        code = error.code()
        if code is StatusCode.DEADLINE_EXCEEDED and self._allowed < self._call.guard.policy.fair:
            return NEUTRAL  # the deadline left it too little time to judge the peer by
        return VERDICTS[code].health


def _status(error: BaseException) -> StatusCode:
    if isinstance(error, AioRpcError):
        return error.code()
    return StatusCode.CANCELLED if isinstance(error, CancelledError | GeneratorExit) else StatusCode.UNKNOWN


async def _respond(call: Call, send: Callable[[float], Awaitable[T]]) -> T:
    with Attempt(call) as allowed:
        return await send(allowed)


async def _stream(call: Call, send: Callable[[float], ResponseStream[T]]) -> AsyncGenerator[T, None]:
    with call:
        begin = partial(_begin_stream, call, send)
        try:
            first, rest = await begin()
        except AioRpcError as failure:
            if not call.worth_another(failure):
                raise
            first, rest = await call.resume(failure, begin)
        async with aclosing(rest):
            for message in first:
                yield message
            async for message in rest:
                yield message


async def _begin_stream(
    call: Call, send: Callable[[float], ResponseStream[T]]
) -> tuple[list[T], AsyncGenerator[T, None]]:
    """The first message, if there is one, and the rest of one attempt."""
    messages = _receive(call, send)
    async for message in messages:
        return [message], messages
    return [], messages


async def _receive(call: Call, send: Callable[[float], ResponseStream[T]]) -> AsyncGenerator[T, None]:
    attempt = Attempt(call)
    with attempt as allowed:
        rpc = send(allowed)
        try:
            async for message in rpc:
                attempt.answered()
                yield message
        finally:
            rpc.cancel()  # nobody reads on; nothing happens when the RPC is over
