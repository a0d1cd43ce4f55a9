"""Peers that do as they are told: a wire of coroutines under a fake clock, and a real grpc.aio server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from mesh.resilience.breaker import Breaker
from mesh.resilience.bulkhead import Bulkhead
from mesh.resilience.call import Method
from mesh.resilience.events import Event, Listeners
from mesh.resilience.guard import Guard
from mesh.resilience.policy import BreakerPolicy, BudgetPolicy, MethodPolicy
from mesh.resilience.retry_budget import RetryBudget
from tests.resilience.fake_time import FakeTime

T = TypeVar("T")
Trailers = tuple[tuple[str, str | bytes], ...]


def failure(code: StatusCode, trailers: Trailers = ()) -> AioRpcError:
    """What grpc.aio raises for a status the peer sent."""
    return AioRpcError(code, Metadata(), Metadata(*trailers), "scripted")


@dataclass
class Wire:
    """Plays one line of the script per attempt: a status, an error, an answer, or (seconds, one of them)."""

    time: FakeTime
    script: list[Any]
    allowed: list[float] = field(default_factory=list)  # what each attempt was given

    @property
    def attempts(self) -> int:
        return len(self.allowed)

    async def __call__(self, allowed: float) -> Any:
        self.allowed.append(allowed)
        line = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(line, tuple):
            seconds, line = line
            self.time.pass_by(seconds)
        if line is StatusCode.OK:
            return "answer"
        if isinstance(line, StatusCode):
            raise failure(line)
        if isinstance(line, BaseException):
            raise line
        return line


@dataclass
class Bench:
    """One method under a policy, with everything a test wants to look at."""

    policy: MethodPolicy = field(default_factory=lambda: MethodPolicy(idempotent=True))
    breaker_policy: BreakerPolicy = field(default_factory=BreakerPolicy)
    budget_policy: BudgetPolicy = field(default_factory=BudgetPolicy)
    limit: int | None = None
    time: FakeTime = field(default_factory=FakeTime)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        listeners = Listeners([self.events.append])
        self.breaker = Breaker("peer", "group", self.breaker_policy, listeners=listeners, spread=lambda low, high: 1.0)  # noqa: ARG005
        self.bulkhead = Bulkhead("peer", self.limit)
        self.budget = RetryBudget(self.budget_policy)
        self.method = Method(
            Guard(
                peer="peer",
                method="/t.T/U",
                policy=self.policy,
                breaker=self.breaker,
                bulkhead=self.bulkhead,
                budget=self.budget,
                listeners=listeners,
                clock=self.time,
                sleep=self.time.sleep,
            )
        )

    def wire(self, *script: Any) -> Wire:
        return Wire(self.time, list(script))

    async def call(self, wire: Callable[[float], Awaitable[Any]], timeout: float | None = None) -> Any:
        return await self.method.unary(wire, timeout)

    async def fails(self, wire: Callable[[float], Awaitable[Any]], timeout: float | None = None) -> AioRpcError:
        try:
            await self.call(wire, timeout)
        except AioRpcError as error:
            return error
        raise AssertionError("the call succeeded")

    def seen(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


Handler = Callable[[bytes, grpc.aio.ServicerContext[bytes, bytes]], Awaitable[bytes]]


class Server:
    """A real server on a real port. Answers with its script, then with its last line for ever."""

    def __init__(self, script: Iterable[Any]) -> None:
        self.script = list(script)
        self.hits = 0
        self.remaining: list[float | None] = []  # deadlines seen
        self.metadata: list[dict[str, str | bytes]] = []  # requests' headers
        self.target = ""
        self.arrived = asyncio.Event()
        self.release = asyncio.Event()  # lets "hang" go on
        self.left = asyncio.Event()  # a hanging caller went away

    async def answer(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await self._play(context)
        return request

    async def stream(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> AsyncIterator[bytes]:
        """Lines: a status before anything is sent, or a list of messages; a status ends it, "wait" waits."""
        line = await self._play(context)
        for message in line if isinstance(line, list) else [request]:
            if isinstance(message, StatusCode):
                await context.abort(message, "scripted")
            if message == "wait":
                await self._hang()
            else:
                yield message

    async def collect(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await self._play(context)
        return b"".join([request async for request in requests])

    async def echo(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        await self._play(context)
        async for request in requests:
            yield request

    async def _play(self, context: grpc.aio.ServicerContext[bytes, bytes]) -> Any:
        self.hits += 1
        self.remaining.append(context.time_remaining())
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.arrived.set()
        line = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if line == "hang":
            await self._hang()
        trailers: Trailers = ()
        if isinstance(line, tuple):
            line, trailers = line
        if isinstance(line, StatusCode) and line is not StatusCode.OK:
            await context.abort(line, "scripted", trailers)
        return line

    async def _hang(self) -> None:
        try:
            await self.release.wait()
        finally:
            self.left.set()


@asynccontextmanager
async def serve(
    *script: Any, server: Server | None = None, credentials: grpc.ServerCredentials | None = None
) -> AsyncIterator[Server]:
    """A scripted server for the four kinds of methods of /t.T."""
    scripted = server or Server(script or (StatusCode.OK,))
    running = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers: dict[str, Any] = {
        "UnaryUnary": grpc.unary_unary_rpc_method_handler(scripted.answer),
        "UnaryStream": grpc.unary_stream_rpc_method_handler(scripted.stream),
        "StreamUnary": grpc.stream_unary_rpc_method_handler(scripted.collect),
        "StreamStream": grpc.stream_stream_rpc_method_handler(scripted.echo),
    }
    running.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("t.T", handlers)])
    here = "127.0.0.1:0"
    port = running.add_secure_port(here, credentials) if credentials else running.add_insecure_port(here)
    scripted.target = f"127.0.0.1:{port}"
    await running.start()
    try:
        yield scripted
    finally:
        await running.stop(None)


class TStub:
    """What protoc would generate for /t.T with raw bytes."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.UnaryUnary: Any = channel.unary_unary("/t.T/UnaryUnary")
        self.UnaryStream: Any = channel.unary_stream("/t.T/UnaryStream")
        self.StreamUnary: Any = channel.stream_unary("/t.T/StreamUnary")
        self.StreamStream: Any = channel.stream_stream("/t.T/StreamStream")
