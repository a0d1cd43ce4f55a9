"""What does one get by decorating a stub's method as the READMEs of pybreaker and tenacity show it?

    decorated   @breaker and @retry on the async function that calls
    calling     `with breaker.calling()` inside it: what one does on seeing that the decorator never trips
    ours        the same stub under a policy

Each meets the same server in the same trouble. What is counted is what the server saw, or what state the circuit
is in; then the price.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import grpc
import pybreaker
import tenacity
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from loadtest.bench.paired import Rpc, in_turn, microseconds
from loadtest.bench.resilience import NoWire, telemetry
from loadtest.bench.row import Row
from loadtest.bench.target import GET_PRODUCT, HANG, Catalog, another_process, asking, plain
from mesh.resilience import MethodPolicy, Peer, PeerPolicy

CALLS = 100
AT_ONCE = 50
PATIENCE = 0.5  # seconds: the deadline of calls that get no answer
MUCH_LATER = 3600.0  # seconds: any open circuit is half-open by then
ROUNDS = 30
IN_FLIGHT = 16


class Client(NamedTuple):
    """One process's way to call, with a circuit of its own."""

    call: Rpc
    is_open: Callable[[], bool]
    let_time_pass: Callable[[], None]  # until an open circuit is half-open


Make = Callable[..., Client]  # (channel, write=False): from a channel; a write must not be sent twice


def decorated(channel: grpc.aio.Channel, *, write: bool = False) -> Client:
    """Both decorators, on the function that calls."""
    del write  # no decorator knows
    get_product, breaker = CatalogServiceStub(channel).GetProduct, _breaker()

    @breaker
    @tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True)
    async def call(request: Any, **options: Any) -> Any:
        return await get_product(request, **options)

    return Client(call, lambda: _is_open(breaker), breaker.half_open)


def calling(channel: grpc.aio.Channel, *, write: bool = False) -> Client:
    """The breaker as a context manager, round the await."""
    del write
    get_product, breaker = CatalogServiceStub(channel).GetProduct, _breaker()

    @tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True)
    async def call(request: Any, **options: Any) -> Any:
        with breaker.calling():
            return await get_product(request, **options)

    return Client(call, lambda: _is_open(breaker), breaker.half_open)


def _breaker() -> pybreaker.CircuitBreaker:
    return pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)


def _is_open(breaker: pybreaker.CircuitBreaker) -> bool:
    return bool(breaker.current_state == pybreaker.STATE_OPEN)


def ours(channel: grpc.aio.Channel, *, write: bool = False) -> Client:
    """The stub under a policy with the defaults."""
    later = Later()
    method = MethodPolicy(timeout=60.0, idempotent=not write, backoff=0.001)
    peer = Peer("catalog", channel, PeerPolicy(methods={GET_PRODUCT: method}), listeners=telemetry(), clock=later)
    [breaker] = peer.breakers.values()
    return Client(
        peer.stub(CatalogServiceStub).GetProduct, lambda: breaker.state == pybreaker.STATE_OPEN, later.let_time_pass
    )


@dataclass
class Later:
    """The monotonic clock, which can be told to be far ahead."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead

    def let_time_pass(self) -> None:
        """Be far ahead from now on."""
        self.ahead += MUCH_LATER


async def dead_server(client: Client, catalog: Catalog) -> float:
    """Calls that reach a server which only ever answers UNAVAILABLE."""
    for _ in range(CALLS):
        await _try(client, asking("UNAVAILABLE"))
    return catalog.calls


async def failures(client: Client, catalog: Catalog) -> float:
    """Is the circuit to that server still closed after all of them?"""
    await dead_server(client, catalog)
    return not client.is_open()


async def repeated_write(client: Client, catalog: Catalog) -> float:
    """Times a write is sent again after a failure that may have come after it was made."""
    await _try(client, asking("UNAVAILABLE"))
    return catalog.calls - 1


async def final_answers(client: Client, catalog: Catalog) -> float:
    """Times a question is sent again that was answered: there is no such product."""
    await _try(client, asking("NOT_FOUND"))
    return catalog.calls - 1


async def wrong_answers(client: Client, catalog: Catalog) -> float:  # noqa: ARG001 - as the others
    """Is the circuit to a healthy server open after many of them?"""
    for _ in range(CALLS):
        await _try(client, asking("NOT_FOUND"))
    return client.is_open()


async def callers_who_leave(client: Client, catalog: Catalog) -> float:
    """Is the circuit open after many callers left before they had their answer?"""
    for left in range(CALLS):
        call = asyncio.ensure_future(_try(client, asking(HANG)))
        while catalog.calls <= left and not call.done():
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    return client.is_open()


async def half_open(client: Client, catalog: Catalog) -> float:
    """Calls that reach a server just back from an outage, of many at once."""
    for _ in range(CALLS):
        await _try(client, asking("UNAVAILABLE"))
    if client.is_open():
        client.let_time_pass()
    before = catalog.calls
    await asyncio.gather(*(_try(client, asking(HANG), timeout=PATIENCE) for _ in range(AT_ONCE)))
    return catalog.calls - before


async def deadline(client: Client, catalog: Catalog) -> float:  # noqa: ARG001 - as the others
    """Deadlines that pass before a caller hears that its deadline has passed."""
    began = time.monotonic()
    await _try(client, asking(HANG), timeout=PATIENCE)
    return round((time.monotonic() - began) / PATIENCE, 1)


async def _try(client: Client, request: Any, **options: Any) -> None:
    with suppress(grpc.aio.AioRpcError, pybreaker.CircuitBreakerError):
        await client.call(request, **options)


class Trouble(NamedTuple):
    """`meet` counts how often it went wrong; `most` is what ours is held to."""

    what: str
    meet: Callable[[Client, Catalog], Awaitable[float]]
    most: float
    unit: str
    write: bool = False


TROUBLES = (
    Trouble(f"{CALLS} calls to a dead server, seen by it", dead_server, 40, "calls"),
    Trouble(f"circuit still closed after {CALLS} failures", failures, 0, "of 1"),
    Trouble("a failed write, sent again", repeated_write, 0, "times", write=True),
    Trouble("a NOT_FOUND, asked again", final_answers, 0, "times"),
    Trouble(f"circuit open after {CALLS} x NOT_FOUND", wrong_answers, 0, "of 1"),
    Trouble(f"circuit open after {CALLS} callers left", callers_who_leave, 0, "of 1"),
    Trouble(f"{AT_ONCE} calls at once after an outage, let through", half_open, 1, "calls"),
    Trouble("a hung server keeps its caller for", deadline, 1.5, "deadlines"),
)
MADE: tuple[Make, ...] = (decorated, calling, ours)


async def measure(say: Callable[[str], None]) -> list[Row]:
    """What each gets wrong, then what it costs."""
    rows: list[Row] = []
    for trouble in TROUBLES:
        say(trouble.what)
        for make in MADE:
            name, count = f"naive: {trouble.what}: {make.__name__}", await met(trouble, make)
            if make is ours:
                rows.append(Row.at_most(name, count, trouble.most, trouble.unit))
            else:
                rows.append(Row.context(name, count, trouble.unit))
    say("price of each")
    return [*rows, *await _prices()]


async def met(trouble: Trouble, make: Make) -> float:
    """How often it goes wrong for a new client of a new server."""
    catalog = Catalog()  # type: ignore[abstract]  # one method is enough
    async with plain(catalog) as address, grpc.aio.insecure_channel(address) as channel:
        return float(await trouble.meet(make(channel, write=trouble.write), catalog))


async def _prices() -> list[Row]:
    nowhere: Any = NoWire()
    bare, request = CatalogServiceStub(nowhere).GetProduct, asking()
    nothing = await microseconds(lambda: bare(request))
    rows = []
    for make in MADE:
        cost = await microseconds(partial(make(nowhere).call, request)) - nothing
        rows.append(Row.context(f"naive: per call, no wire: {make.__name__}", round(cost, 2), "us CPU"))
    async with another_process() as target, grpc.aio.insecure_channel(target.address) as channel:
        ways: dict[str, Rpc] = {make.__name__: make(channel).call for make in MADE}
        ways["bare"] = CatalogServiceStub(channel).GetProduct
        blocks = await in_turn(ways, rounds=ROUNDS, in_flight=IN_FLIGHT)
    of = f"naive: {IN_FLIGHT} in flight, rate / bare stub's"
    kept = {make.__name__: blocks.kept(make.__name__, "bare") for make in MADE}
    return [*rows, *(Row.context(f"{of}: {name}", ratio, "x") for name, ratio in kept.items())]
