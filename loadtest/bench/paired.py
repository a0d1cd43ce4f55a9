"""Which of several ways to make a call costs how much more? Blocks of calls in turn, in one sitting.

Absolute rates are this machine's and this minute's. So the ways alternate in short blocks, every round gives one
ratio to the first way, and the median counts: a neighbour's burst hits all blocks of a round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from statistics import median
from typing import Any, NamedTuple

from loadtest.bench.target import Target, Usage, asking
from mesh.resilience import deadline

CALLS = 160  # in each block
LONGEST = 60.0  # seconds; what a server would have adopted: looking at it is part of a call's cost

Rpc = Callable[..., Awaitable[Any]]


class Block(NamedTuple):
    """Calls per second, and microseconds of CPU per call: of this process, and of the server's where it is asked."""

    rate: float
    client: float
    server: float = 0.0


class Blocks:
    """The blocks of each way, one for each round."""

    def __init__(self, by_way: Mapping[str, list[Block]]) -> None:
        self._by_way = by_way

    def rate(self, way: str) -> float:
        """Calls per second, the median."""
        return median(block.rate for block in self._by_way[way])

    def kept(self, way: str, base: str) -> float:
        """The part of the base's rate that a way reaches, round by round."""
        return round(median(one.rate / other.rate for one, other in self._rounds(way, base)), 3)

    def added(self, way: str, base: str) -> tuple[float, float]:
        """Microseconds of CPU that a call costs more than the base, round by round: the client's, the server's."""
        client = median(one.client - other.client for one, other in self._rounds(way, base))
        server = median(one.server - other.server for one, other in self._rounds(way, base))
        return round(client, 1), round(server, 1)

    def _rounds(self, way: str, base: str) -> Iterator[tuple[Block, Block]]:
        return zip(self._by_way[way], self._by_way[base], strict=True)


async def in_turn(
    ways: Mapping[str, Rpc], *, rounds: int, in_flight: int, servers: Mapping[str, Target] | None = None
) -> Blocks:
    """Call each way in each round, forwards and backwards; an extra round comes first, to warm up."""
    by_way: dict[str, list[Block]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in list(ways) if number % 2 else reversed(list(ways)):
            block = await _block(ways[name], in_flight, servers[name] if servers else None)
            if number:
                by_way[name].append(block)
    return Blocks(by_way)


async def _block(rpc: Rpc, in_flight: int, server: Target | None) -> Block:
    request = asking()

    async def some() -> None:
        for _ in range(CALLS // in_flight):
            await rpc(request, timeout=LONGEST)

    before = await server.usage() if server else Usage(0, 0.0)
    with deadline.adopt(LONGEST):
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(some() for _ in range(in_flight)))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    after = await server.usage() if server else before
    return Block(CALLS / seconds, cpu / CALLS * 1e6, (after.cpu - before.cpu) / CALLS * 1e6)


async def microseconds(call: Callable[[], Awaitable[Any]], *, calls: int = 2_000, times: int = 25) -> float:
    """CPU of this thread per call, the least of several times: whatever else the machine does only adds to it."""
    return min([await _once(call, calls) for _ in range(times)])


async def _once(call: Callable[[], Awaitable[Any]], calls: int) -> float:
    began = time.thread_time()
    for _ in range(calls):
        await call()
    return (time.thread_time() - began) / calls * 1e6
