"""What is left of a server that gets three times what it can do? With its adaptive limit, and without.

Two like services in processes of their own, hosted as the shop's are: four threads that need 20 ms for each answer,
as a database would. One has ADAPTIVE_LIMIT=off. Load is open-loop, and latency counts from when a call was due;
goodput is answers within the caller's deadline. Each round measures capacity, unloaded latency and both overloads
anew; the medians of the rounds are reported.

The unlimited server collapses without doing anything wrong: its queue grows until whoever reaches the head has no
time left, so it works at full speed for callers who have gone.

A server's first overload has a row of its own: its limit starts high and is still being learned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any, Literal, NamedTuple

import grpc
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse
from shop.catalog.v1.catalog_pb2_grpc import (
    CatalogServiceServicer,
    CatalogServiceStub,
    add_CatalogServiceServicer_to_server,
)

from loadtest.bench.row import BenchUnavailable, Row
from loadtest.bench.target import MUG, Catalog, another_process, asking
from loadtest.bench.tracing import NoLog
from loadtest.open_loop import OpenLoop
from loadtest.outcome import KINDS, Outcome
from loadtest.report import Report
from services.hosting import Host, Hosted, HostSettings, logs
from services.hosting.lifecycle import serving

WORKERS, WORK = 4, 0.020  # threads, seconds
DEADLINE = 0.5  # seconds that each caller waits
SETTINGS = HostSettings(listen_address="127.0.0.1:0", max_concurrent_rpcs=10_000, drain_seconds=0)
ROUNDS, ATTEMPTS = 4, 9  # the first one apart; a round in which the generator fell behind is no round
LIGHT, HEAVY = 0.5, 3.0  # times the capacity
WARM, MEASURED = 1.0, 1.5  # seconds: what settles within the first of an overload has a row of its own
AT_ONCE = 2 * WORKERS  # calls in flight that keep the workers busy


class Round(NamedTuple):
    """What one round saw: rates in answers per second, and the 99th percentile of the answers' latencies."""

    capacity: float
    unloaded_p99: float
    first: float  # goodput of the limited server in the first second of overload,
    limited: float  # and after it
    limited_p99: float
    unlimited: float


class GeneratorBehind(Exception):
    """The generator was slower than its schedule, so it would have measured itself."""


async def measure(say: Callable[[str], None]) -> list[Row]:
    """Goodput and latency under overload, as shares of what the server can do."""
    rounds: list[Round] = []
    async with (
        another_process(partial(serve, adaptive_limit="on")) as careful,
        another_process(partial(serve, adaptive_limit="off")) as open_to_all,
        grpc.aio.insecure_channel(careful.address) as limited,
        grpc.aio.insecure_channel(open_to_all.address) as unlimited,
    ):
        for _ in range(ATTEMPTS):
            say(f"round {len(rounds) + 1} of {ROUNDS}")
            with suppress(GeneratorBehind):
                rounds.append(await _round(CatalogServiceStub(limited), CatalogServiceStub(unlimited)))
            if len(rounds) == ROUNDS:
                return _rows(rounds)
    raise BenchUnavailable("the machine is too busy: the generator fell behind, and would have measured itself")


def _rows(every: list[Round]) -> list[Row]:
    new, *rounds = every
    kept = median(each.limited / each.capacity for each in rounds)
    at_first = median(each.first / each.capacity for each in rounds)
    slower = median(each.limited_p99 / each.unloaded_p99 for each in rounds)
    left = median(each.unlimited / each.capacity for each in rounds)
    of = f"overload: at {HEAVY:g} x capacity,"
    return [
        Row.context("overload: capacity", median(each.capacity for each in rounds), "answers/s"),
        Row.context("overload: unloaded p99", 1000 * median(each.unloaded_p99 for each in rounds), "ms"),
        Row.at_least(f"{of} goodput with the limit", kept, 0.90, "of capacity"),
        Row.context(f"{of} the same in its first second", at_first, "of capacity"),
        Row.at_most(f"{of} p99 of the accepted", slower, 2.0, "x unloaded"),
        Row.context(f"{of} the same of a server just started", new.limited_p99 / new.unloaded_p99, "x unloaded"),
        Row.at_most(f"{of} goodput without the limit", left, 0.50, "of capacity"),
    ]


async def _round(limited: CatalogServiceStub, unlimited: CatalogServiceStub) -> Round:
    capacity = await _capacity(unlimited)
    _, light = await _load(limited, LIGHT * capacity)
    first, heavy = await _load(limited, HEAVY * capacity)
    _, collapsing = await _load(unlimited, HEAVY * capacity)
    return Round(
        capacity=capacity,
        unloaded_p99=light.quantile(0.99),
        first=_in_time(first) / WARM,
        limited=_in_time(heavy) / MEASURED,
        limited_p99=heavy.quantile(0.99),
        unlimited=_in_time(collapsing) / MEASURED,
    )


async def _capacity(stub: CatalogServiceStub) -> float:
    """Answers per second when there is always a next call, and never more than a few."""
    answers = 0
    until = time.monotonic() + MEASURED

    async def one_after_another() -> None:
        nonlocal answers
        while time.monotonic() < until:
            await stub.GetProduct(asking(), timeout=10 * DEADLINE)
            answers += 1

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return answers / MEASURED


async def _load(stub: CatalogServiceStub, rate: float) -> tuple[Report, Report]:
    """The answers to calls that were due in the first second, and after it. Raises GeneratorBehind."""

    async def call(_: int) -> Outcome:
        try:
            await stub.GetProduct(asking(), timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            return Outcome(error.code(), KINDS[error.code()])
        return Outcome(grpc.StatusCode.OK, KINDS[grpc.StatusCode.OK])

    report = await OpenLoop(call, rate=rate, max_in_flight=4096).run(duration=WARM + MEASURED)
    if report.saturated:
        raise GeneratorBehind
    settled = report.samples[0].scheduled + WARM
    answers = replace(report, samples=tuple(sample for sample in report.samples if not sample.outcome.failed))
    return answers.between(0, settled), answers.between(settled)


def _in_time(answers: Report) -> int:
    return sum(sample.latency <= DEADLINE for sample in answers.samples)


class Bottleneck(CatalogServiceServicer):
    """Answers GetProduct after its work, which only so many threads can do."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(WORKERS)

    async def GetProduct(self, request: GetProductRequest, context: Any) -> GetProductResponse:
        del request, context
        await asyncio.get_running_loop().run_in_executor(self._workers, time.sleep, WORK)
        return GetProductResponse(product=MUG)


@asynccontextmanager
async def serve(_: Catalog, *, adaptive_limit: Literal["on", "off"]) -> AsyncIterator[str]:
    """A service of the shop with that bottleneck; yields its address."""
    logs.configure(SETTINGS, NoLog())
    contract = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
    servicer = Bottleneck()  # type: ignore[abstract]  # one method is enough
    hosted = Hosted([(contract, servicer, add_CatalogServiceServicer_to_server)])
    async with serving(Host(replace(SETTINGS, adaptive_limit=adaptive_limit)), hosted) as address:
        yield address
