"""A relay between orders and the services behind it, which does to single calls what networks and crashes do.

It passes bytes on, so that any method of any service goes through it. Every peer of the service under
test may have this one address.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc import StatusCode
from grpc.aio import AioRpcError, Channel, ServicerContext

Answer = Callable[[bytes], Awaitable[bytes]]
Deed = Callable[[bytes, Answer], Awaitable[bytes]]
"""What is done to one call: given the request and how to pass it on, the response."""


class Fault(Exception):
    """The call fails with this status, before or after it was passed on."""

    def __init__(self, code: StatusCode) -> None:
        super().__init__(code.name)
        self.code = code


def refuse(code: StatusCode = StatusCode.UNAVAILABLE) -> Deed:
    """The call never arrives."""

    async def deed(_: bytes, __: Answer) -> bytes:
        raise Fault(code)

    return deed


def lose_answer(code: StatusCode = StatusCode.UNAVAILABLE) -> Deed:
    """The call arrives and is done; its answer does not come back."""

    async def deed(request: bytes, answer: Answer) -> bytes:
        await answer(request)
        raise Fault(code)

    return deed


@dataclass(frozen=True)
class Held:
    """A deed that keeps a call, before it is passed on or after it was done, until `go_on` is set."""

    after_it_was_done: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: bytes, answer: Answer) -> bytes:
        response = await answer(request) if self.after_it_was_done else None
        self.arrived.set()
        await self.go_on.wait()
        return await answer(request) if response is None else response


@dataclass
class Relay:
    """Passes calls on to the backends; `deeds` are done to the next calls of a method, one each."""

    backends: dict[str, Channel]
    """By package: "shop.payments.v1"."""
    calls: Counter[str] = field(default_factory=Counter)
    """By method: "Charge"."""
    deeds: defaultdict[str, list[Deed]] = field(default_factory=lambda: defaultdict(list))
    always: dict[str, Deed] = field(default_factory=dict)

    def once(self, method: str, *deeds: Deed) -> None:
        """Do these to the next calls of `method`."""
        self.deeds[method].extend(deeds)

    @contextmanager
    def every(self, method: str, deed: Deed) -> Iterator[None]:
        """Do this to all calls of `method` while the block runs."""
        self.always[method] = deed
        try:
            yield
        finally:
            del self.always[method]

    async def pass_on(self, name: str, request: bytes) -> bytes:
        """The backend's answer to a call of `name`: "/shop.payments.v1.PaymentsService/Charge"."""
        package = name.lstrip("/").rpartition(".")[0]
        call: Callable[..., Awaitable[bytes]] = self.backends[package].unary_unary(name)
        return await call(request, timeout=10.0)

    async def answer(self, name: str, request: bytes, context: ServicerContext[bytes, Any]) -> bytes:
        method = name.rpartition("/")[2]
        self.calls[method] += 1
        deeds = self.deeds[method]
        deed = deeds.pop(0) if deeds else self.always.get(method)
        try:
            if deed is None:
                return await self.pass_on(name, request)
            return await deed(request, lambda late: self.pass_on(name, late))
        except Fault as fault:
            await context.abort(fault.code, "scripted")
        except AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        raise AssertionError("abort always raises")

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def answer(request: bytes, context: ServicerContext[bytes, Any]) -> bytes:
            return await self.answer(details.method, request, context)

        return grpc.unary_unary_rpc_method_handler(answer)


@asynccontextmanager
async def relaying(backends: dict[str, Channel]) -> AsyncIterator[tuple[Relay, str]]:
    """A relay and its address (host:port)."""
    relay = Relay(backends)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Any(relay),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield relay, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


class _Any(grpc.GenericRpcHandler):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return self._relay.service(handler_call_details)


async def forever() -> None:
    """Never return."""
    await asyncio.Event().wait()
