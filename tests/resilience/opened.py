"""Peers a test opens, and what they report."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import (
    BreakerPolicy,
    MethodPolicy,
    Peer,
    PeerPolicy,
    open_peer,
)
from mesh.resilience.events import CircuitClosed, CircuitCreated, CircuitHalfOpened, CircuitOpened, Event, Listener
from tests.resilience.scripted import Server, TStub

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK
STATES: dict[type[Event], str] = {
    CircuitCreated: "closed",
    CircuitClosed: "closed",
    CircuitHalfOpened: "half-open",
    CircuitOpened: "open",
}
METHODS = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")
QUICK = MethodPolicy(timeout=10.0, idempotent=True, backoff=0.001, backoff_limit=0.001)


def policy(method: MethodPolicy = QUICK, **breaker: Any) -> PeerPolicy:
    return PeerPolicy(
        methods={f"/t.T/{name}": method for name in METHODS},
        breakers={"default": BreakerPolicy(**{"min_calls": 1000, **breaker})},
    )


async def requests(*messages: bytes) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


class Opened:
    """Peers of one test, closed with it."""

    def __init__(self) -> None:
        self.stack = AsyncExitStack()
        self.events: list[Event] = []

    async def peer(
        self, server: Server, policy: PeerPolicy, *, listeners: Iterable[Listener] = (), **options: Any
    ) -> Peer:
        heard = [self.events.append, *listeners]
        opening = open_peer("t", target=server.target, policy=policy, listeners=heard, **options)
        return await self.stack.enter_async_context(opening)

    def circuits(self) -> dict[str, str]:
        """The state of each group's breaker, as it was told."""
        told = (CircuitCreated, CircuitClosed, CircuitHalfOpened, CircuitOpened)
        return {event.group: STATES[type(event)] for event in self.events if isinstance(event, told)}

    async def stub(self, server: Server, policy: PeerPolicy, **options: Any) -> TStub:
        return (await self.peer(server, policy, **options)).stub(TStub)


async def code_of(call: Any) -> StatusCode:
    with pytest.raises(AioRpcError) as failed:
        await call
    return failed.value.code()
