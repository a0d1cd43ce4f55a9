"""What do the sidecars of a real mesh tell of a version that answers, and of one that does not?"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from rich.console import Console

from mesh.canary.judge.counts import Counts
from mesh.canary.measure.counters import GIVEN_UP
from mesh.canary.measure.difference import Delta, difference
from mesh.canary.measure.scraping import sidecars
from mesh.canary.measure.source import Reading, Source
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop
from tests.end_to_end.conftest import CLUSTER, STATE

LIST_CATEGORIES = "/shop.catalog.v1.CatalogService/ListCategories"
BOTH = ("v1", "v2")
CALLS, FEW = 40, 4  # so few at once that no server refuses any, however busy the machine
ANSWERED_WITHIN, WAITED = 10.0, 1.0
"""Seconds: for the answer of a version that works, and until a caller gives up: before the gateway does (1.5 s)."""


@pytest.fixture
async def even(shop: Shop) -> AsyncIterator[None]:
    """Both versions of catalog get every other call."""
    await shop.set_weights("catalog", {"v1": 50, "v2": 50})
    yield
    await shop.set_weights("catalog", {"v1": 100, "v2": 0})


@pytest.fixture
async def source(cluster: None) -> AsyncIterator[Source]:
    progress = ConsoleProgress(Console(stderr=True))
    async with sidecars(CLUSTER, "catalog", BOTH, read_settings(os.environ), progress) as source:
        yield source


@asynccontextmanager
async def frozen(shop: Shop) -> AsyncIterator[None]:
    """Version 2 holds its connections and answers nobody."""
    processes, (pod,) = LocalProcesses(StateFolder(STATE)), await shop.pods("catalog", "v2")
    await processes.signal(pod, "catalog", signal.SIGSTOP)
    try:
        yield
    finally:
        await processes.signal(pod, "catalog", signal.SIGCONT)


async def answered(gateway: str, within: float, *, at_once: int = CALLS) -> int:
    """Make all the calls, so many at once, and give each up after so long; how many were answered."""
    turn = asyncio.Semaphore(at_once)

    async def one(call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]) -> bool:
        with suppress(TimeoutError, grpc.aio.AioRpcError):
            async with turn, asyncio.timeout(within):
                await call(b"")
                return True
        return False

    async with grpc.aio.insecure_channel(gateway) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(LIST_CATEGORIES)
        return sum(await asyncio.gather(*(one(call) for _ in range(CALLS))))


async def seen(source: Source, earlier: Reading) -> dict[str, Counts]:
    """What was counted since, once as much as was called."""
    async with asyncio.timeout(60):
        while True:
            found = difference(earlier, await source.read(), BOTH)
            if isinstance(found, Delta) and sum(counts.requests for counts in found.versions.values()) >= CALLS:
                return dict(found.versions)
            await asyncio.sleep(0.2)


@pytest.mark.usefixtures("even")
async def test_every_call_is_counted_once_with_its_version(source: Source, gateway: str) -> None:
    earlier = await source.read()
    assert await answered(gateway, ANSWERED_WITHIN, at_once=FEW) == CALLS
    versions = await seen(source, earlier)
    assert sum(counts.requests for counts in versions.values()) == CALLS
    assert [counts.statuses.keys() for counts in versions.values()] == [{"OK"}, {"OK"}]


@pytest.mark.local_only("freezes a process of this machine")
@pytest.mark.usefixtures("even")
async def test_calls_that_a_frozen_version_keeps_waiting_count_against_it(
    source: Source, gateway: str, shop: Shop
) -> None:
    assert await answered(gateway, ANSWERED_WITHIN, at_once=FEW) == CALLS
    async with frozen(shop):
        earlier = await source.read()
        ok = await answered(gateway, WAITED)
        versions = await seen(source, earlier)
    # An answer that reached its sidecar in time may reach a busy caller too late: counted there, not here.
    assert versions["v1"].errors == 0
    assert versions["v1"].requests >= ok
    assert versions["v2"].requests == versions["v2"].errors > 0
    assert versions["v1"].requests + versions["v2"].requests == CALLS
    assert versions["v2"].statuses.keys() <= {GIVEN_UP, "UNAVAILABLE", "DEADLINE_EXCEEDED"}
    assert versions["v2"].statuses[GIVEN_UP] > 0
