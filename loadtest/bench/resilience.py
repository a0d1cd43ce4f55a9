"""What does the resilience layer cost? The same calls with and without it.

It is complete: fallback, deadline, retries, bulkhead, breaker with slow calls, per-try timeout, budget, metrics, logs
and span notes. The messages are real ones, for the fallback keeps copies of them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import grpc
from prometheus_client import CollectorRegistry
from shop.catalog.v1.catalog_pb2 import GetProductResponse
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from loadtest.bench.paired import LONGEST, in_turn, microseconds
from loadtest.bench.row import Row
from loadtest.bench.target import GET_PRODUCT, MUG, Target, another_process, asking
from mesh.resilience import (
    BreakerPolicy,
    CircuitOpen,
    FallbackPolicy,
    MethodPolicy,
    Peer,
    PeerPolicy,
    open_peer,
)
from mesh.resilience.breaker import Breaker
from mesh.resilience.events import Listener, Listeners
from mesh.resilience.telemetry import listeners
from mesh.resilience.verdicts import FAILED

PAIRS = {1: 30, 16: 90}  # on the wire, by calls in flight; many short blocks rather than few long ones
KEEPS = {1: 0.90, 16: 0.95}
REJECTIONS = 1000
LAST_GOOD = FallbackPolicy(kind="last_good")


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The time per call without a wire, the time an open circuit takes, and the rate kept on a real server."""
    say("layer off the wire")
    rows = [await _cost_of_a_call(), *await _cost_of_a_rejection()]
    async with another_process() as target, grpc.aio.insecure_channel(target.address) as channel:
        rows.append(await rejections_that_leave(target))
        async with open_catalog(target.address) as peer:
            ways = {"bare": CatalogServiceStub(channel).GetProduct, "ours": peer.stub(CatalogServiceStub).GetProduct}
            for in_flight, rounds in PAIRS.items():
                say(f"bare and through the layer in turn, {in_flight} in flight")
                blocks = await in_turn(ways, rounds=rounds, in_flight=in_flight)
                of = f"resilience: {in_flight} in flight,"
                rows += [
                    Row.at_least(f"{of} rate / bare stub's", blocks.kept("ours", "bare"), KEEPS[in_flight], "x"),
                    Row.context(f"{of} bare stub", round(blocks.rate("bare")), "calls/s"),
                    Row.context(f"{of} client CPU added", blocks.added("ours", "bare")[0], "us per call"),
                ]
    return rows


class NoWire:
    """A channel whose calls answer, or fail, at once: what is left is what is around them."""

    def __init__(self, failure: grpc.aio.AioRpcError | None = None) -> None:
        self._failure = failure

    def unary_unary(self, *_: object, **__: object) -> Callable[..., Awaitable[GetProductResponse]]:
        response = GetProductResponse(product=MUG)

        async def answer(request: Any, **_: object) -> GetProductResponse:  # noqa: ARG001 - a stub's signature
            if self._failure is not None:
                raise self._failure
            return response

        return answer


def policy(fallback: FallbackPolicy | None = LAST_GOOD) -> PeerPolicy:
    """Everything on; one failed call opens the circuit for longer than the bench takes."""
    method = MethodPolicy(timeout=5.0, per_try_timeout=1.0, idempotent=True, fallback=fallback)
    breaker = BreakerPolicy(min_calls=1, open_for=LONGEST, slow_after=1.0)
    return PeerPolicy(methods={GET_PRODUCT: method}, breakers={"default": breaker}, bulkhead=64)


def telemetry() -> tuple[Listener, ...]:
    """What a service listens with."""
    logger = logging.getLogger("argosy.bench")
    logger.setLevel(logging.CRITICAL)  # the bench opens a circuit on purpose
    return listeners(CollectorRegistry(), logger)


def open_catalog(
    address: str, fallback: FallbackPolicy | None = LAST_GOOD, **options: Any
) -> AbstractAsyncContextManager[Peer]:
    """The catalog at an address, through everything."""
    return open_peer("catalog", target=address, policy=policy(fallback), listeners=telemetry(), **options)


async def _cost_of_a_call() -> Row:
    channel: Any = NoWire()
    bare = CatalogServiceStub(channel).GetProduct
    ours = Peer("catalog", channel, policy(), listeners=telemetry()).stub(CatalogServiceStub).GetProduct
    request = asking()
    cost = await microseconds(lambda: ours(request)) - await microseconds(lambda: bare(request))
    return Row.at_most("resilience: per call, no wire", round(cost, 2), 12.0, "us CPU")


async def _cost_of_a_rejection() -> list[Row]:
    """How long an open circuit takes to say no: the breaker alone, and through all layers to the caller."""
    breaker = Breaker("catalog", "default", policy().breaker("default"), listeners=Listeners())
    breaker.settle(breaker.admit(0.0), FAILED, 0.0)
    nothing = grpc.aio.Metadata()
    channel: Any = NoWire(grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing))
    peer = Peer("catalog", channel, policy(fallback=None), listeners=telemetry())
    get_product = peer.stub(CatalogServiceStub).GetProduct
    request = asking()
    with suppress(grpc.aio.AioRpcError):
        await get_product(request)  # one failure opens this circuit

    async def ask() -> None:
        with suppress(CircuitOpen):
            breaker.admit(0.0)

    async def call() -> None:
        with suppress(CircuitOpen):
            await get_product(request)

    return [
        Row.at_most("resilience: open breaker answers", round(await microseconds(ask), 2), 5.0, "us CPU"),
        Row.context("resilience: rejected call, all layers", round(await microseconds(call), 2), "us CPU"),
    ]


async def rejections_that_leave(target: Target) -> Row:
    """How many calls of an open circuit the server sees: it counts them itself."""
    async with open_catalog(target.address, fallback=None) as peer:
        get_product = peer.stub(CatalogServiceStub).GetProduct
        with suppress(grpc.aio.AioRpcError):
            await get_product(asking("UNAVAILABLE"))
        before = (await target.usage()).calls
        for _ in range(REJECTIONS):
            with suppress(CircuitOpen):
                await get_product(asking())
        seen = (await target.usage()).calls - before
    return Row.at_most(f"resilience: of {REJECTIONS} calls of an open circuit, seen by the server", seen, 0, "calls")
