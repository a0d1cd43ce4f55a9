"""What does the resilience wrapper cost? The same calls with and without it, in turn, in one sitting.

Absolute rates are this machine's and this minute's. So bare and wrapped blocks alternate, each pair gives
one ratio, and the median of the ratios is reported. The server runs in another process; the wrapper is
complete: deadline, retries allowed, breaker, budget, metrics, logs and span notes.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import grpc
from prometheus_client import CollectorRegistry

from loadtest.bench.row import Row
from mesh.resilience import BreakerPolicy, CircuitOpen, MethodPolicy, Peer, PeerPolicy, deadline, open_peer
from mesh.resilience.breaker import Breaker
from mesh.resilience.events import Listeners
from mesh.resilience.telemetry import listeners
from mesh.resilience.verdicts import FAILED

_ECHO = "/bench.Echo/Echo"
_REQUEST = b"x" * 100
_TIMEOUT = 5.0
_PAIRS = 80  # many short blocks rather than few long ones: a neighbour's burst then hits both of a pair
_CALLS = 160  # in each block
_ROUNDS = 9
_COROUTINE_CALLS = 20_000

Rpc = Callable[..., Awaitable[bytes]]


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The rate kept on a real server, the time per call without one, and the time an open circuit takes."""
    say("wrapper off the wire")
    rows = [await _cost_of_a_call(), *await _cost_of_a_rejection()]
    async with _echo_server() as target, grpc.aio.insecure_channel(target) as channel:
        bare: Rpc = channel.unary_unary(_ECHO)
        async with _peer(target) as peer:
            wrapped = peer.stub(_Stub).Echo
            for in_flight in (1, 16):
                say(f"bare and wrapped in turn, {in_flight} in flight")
                rows += await _compare(bare, wrapped, in_flight)
    return rows


class _Stub:
    """What protoc would generate for one method of raw bytes."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.Echo: Rpc = channel.unary_unary(_ECHO)


class _NoWire:
    """A channel whose calls answer at once: what is left is the wrapper."""

    def unary_unary(self, name: str) -> Rpc:  # noqa: ARG002 - a channel's signature
        async def answer(request: bytes, *, timeout: float | None = None, metadata: object = None) -> bytes:  # noqa: ARG001
            return request

        return answer


def _policy() -> PeerPolicy:
    echo = MethodPolicy(timeout=_TIMEOUT, per_try_timeout=1.0, idempotent=True)
    return PeerPolicy(methods={_ECHO: echo}, breakers={"default": BreakerPolicy(min_calls=1, open_for=60.0)})


def _listeners() -> tuple[Callable[[Any], None], ...]:
    logger = logging.getLogger("argosy.bench")
    logger.setLevel(logging.CRITICAL)  # the bench opens a circuit on purpose
    return listeners(CollectorRegistry(), logger)


def _peer(target: str) -> AbstractAsyncContextManager[Peer]:
    return open_peer("echo", target=target, policy=_policy(), listeners=_listeners())


async def _cost_of_a_call() -> Row:
    channel: Any = _NoWire()
    bare = channel.unary_unary(_ECHO)
    wrapped = Peer("echo", channel, _policy(), listeners=_listeners()).stub(_Stub).Echo
    costs = [
        await _microseconds(wrapped, _COROUTINE_CALLS) - await _microseconds(bare, _COROUTINE_CALLS)
        for _ in range(_ROUNDS)
    ]
    return Row.at_most("resilience: wrapper per call, no wire", median(costs), 15.0, "us CPU")


async def _cost_of_a_rejection() -> list[Row]:
    """How long an open circuit takes to say no: the breaker alone, and through all layers to the caller."""
    breaker = Breaker("echo", "default", _policy().breaker("default"), listeners=Listeners())
    breaker.settle(breaker.admit(0.0), FAILED, 0.0)
    echo = Peer("echo", _refusing(), _policy(), listeners=_listeners()).stub(_Stub).Echo
    with suppress(grpc.aio.AioRpcError):
        await echo(_REQUEST)  # one failure opens this circuit

    async def asked(request: bytes) -> bytes:
        try:
            breaker.admit(0.0)
        except CircuitOpen:
            return request
        return b""

    async def called(request: bytes) -> bytes:
        try:
            return await echo(request)
        except CircuitOpen:
            return b""

    alone = median([await _microseconds(asked, _COROUTINE_CALLS) for _ in range(_ROUNDS)])
    whole = median([await _microseconds(called, _COROUTINE_CALLS) for _ in range(_ROUNDS)])
    return [
        Row.at_most("resilience: open breaker answers", alone, 5.0, "us CPU"),
        Row.context("resilience: rejected call, all layers", whole, "us CPU"),
    ]


def _refusing() -> Any:
    """A channel whose calls fail at once."""

    class Refusing:
        def unary_unary(self, name: str) -> Rpc:  # noqa: ARG002 - a channel's signature
            async def refuse(request: bytes, **_: object) -> bytes:  # noqa: ARG001
                raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata())

            return refuse

    return Refusing()


async def _microseconds(rpc: Rpc, calls: int) -> float:
    """CPU of this thread per call: what others do to the clock on the wall does not matter here."""
    began = time.thread_time()
    for _ in range(calls):
        await rpc(_REQUEST)
    return (time.thread_time() - began) / calls * 1e6


async def _compare(bare: Rpc, wrapped: Rpc, in_flight: int) -> list[Row]:
    rates: list[tuple[float, float]] = []
    spent: list[float] = []
    for pair in range(_PAIRS + 1):
        order = (bare, wrapped) if pair % 2 else (wrapped, bare)
        seen = {rpc: await _block(rpc, in_flight) for rpc in order}
        if pair:  # the first pair warms both up
            rates.append((seen[bare][0], seen[wrapped][0]))
            spent.append(seen[wrapped][1] - seen[bare][1])
    of = f"resilience: {in_flight} in flight,"
    return [
        Row.context(f"{of} bare stub", median(rate for rate, _ in rates), "calls/s"),
        Row.at_least(f"{of} wrapped / bare rate", median(after / before for before, after in rates), 0.90, "ratio"),
        Row.context(f"{of} client CPU added", median(spent), "us per call"),
    ]


async def _block(rpc: Rpc, in_flight: int) -> tuple[float, float]:
    """Calls per second, and microseconds of this process's CPU per call."""

    async def some() -> None:
        for _ in range(_CALLS // in_flight):
            await rpc(_REQUEST, timeout=_TIMEOUT)

    with deadline.adopt(60.0):
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(some() for _ in range(in_flight)))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return _CALLS / seconds, cpu / _CALLS * 1e6


@asynccontextmanager
async def _echo_server() -> AsyncIterator[str]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield await asyncio.to_thread(ours.recv)
    finally:
        ours.close()  # the server's sign to leave
        await asyncio.to_thread(process.join)


def _serve(parent: Connection) -> None:
    asyncio.run(_serve_until_parent_leaves(parent))


async def _serve_until_parent_leaves(parent: Connection) -> None:
    async def echo(request: bytes, context: object) -> bytes:  # noqa: ARG001 - gRPC's signature
        return request

    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bench.Echo", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    parent.send(f"127.0.0.1:{port}")
    try:
        await asyncio.to_thread(parent.recv)
    except EOFError:
        await server.stop(None)
