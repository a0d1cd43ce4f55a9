"""How soon is a bad canary gone, and what does the tool that watches it take?

Ten times the errors at a hundred requests a second, with the plan that nobody had to write: how long, and how far, did
it get? Meanwhile the tool's memory and processor time. Then a canary that fails at once, several times: from the
decision in the journal until no sidecar gives it any traffic.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import psutil

from loadtest.bench.local_cluster import LocalCluster, running_cluster
from loadtest.bench.row import BenchUnavailable, Row
from loadtest.canary_run import CanaryRun, EndedBefore, following
from loadtest.open_loop import OpenLoop
from loadtest.server_fault import failing
from loadtest.shopper import Shopper, open_shopper
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.problems import ROLLED_BACK
from mesh.gateway import known
from mesh.running_shop import Shop

SERVICE, BASELINE, CANARY = "catalog", "v1", "v2"
GET = "/shop.catalog.v1.CatalogService/GetProduct"
RATE = 100.0  # requests per second
ERRORS, TIMES = 0.5, 10  # percent of the baseline's answers, and how much worse the canary is
SOON, FAR = 60.0, 25  # seconds and percent
DISASTER, ROLLBACKS = 50.0, 5  # percent of the canary's answers, and how often that is rolled back
AT_ONCE = 500.0  # milliseconds
MEMORY, PROCESSOR = 150.0, 5.0  # MB, and percent of a core
QUICK = Path(__file__).with_name("canary_plan.yaml")
ROUTES = {"resource": "dynamic_route_configs"}


async def measure(say: Callable[[str], None]) -> list[Row]:
    """One regression that has to be found, and some disasters that are obvious. Raises BenchUnavailable."""
    async with running_cluster(say) as cluster, cluster.client() as client, open_shopper(known()) as shopper:
        shop = Shop(client)
        async with _customers(shopper):
            say(f"{TIMES} times the errors at {RATE:g} requests a second")
            found = await _regression(shop)
            delays = []
            for number in range(ROLLBACKS):
                say(f"a disaster is rolled back, {number + 1} of {ROLLBACKS}")
                delays.append(await _disaster(shop, cluster))
    return rows(found, delays)


@dataclass(frozen=True)
class Found:
    """A regression that was rolled back."""

    seconds: float  # from the first request that the canary could get until the decision
    weight: int  # percent, the highest that it had
    memory: float  # MB, the most that the tool held
    processor: float  # percent of a core, from the first share seen until the decision


def rows(found: Found, delays: list[float]) -> list[Row]:
    """What is reported; `delays` in milliseconds."""
    what = f"canary: {TIMES} times {ERRORS:g} % of errors at {RATE:g}/s"
    return [
        Row.at_most(f"{what}, rolled back after", round(found.seconds, 1), SOON, "s"),
        Row.at_most(f"{what}, highest weight", found.weight, FAR, "%"),
        Row.at_most(
            f"canary: decision to weight 0 in all sidecars, median of {ROLLBACKS}", median(delays), AT_ONCE, "ms"
        ),
        Row.context("canary: decision to weight 0 in all sidecars, longest", max(delays), "ms"),
        Row.at_most("canary: memory of the tool", round(found.memory), MEMORY, "MB"),
        Row.at_most("canary: processor while watching", round(found.processor, 1), PROCESSOR, "% of a core"),
    ]


@asynccontextmanager
async def _customers(shopper: Shopper) -> AsyncIterator[None]:
    load = OpenLoop(lambda _: shopper.get_product(timeout=5.0), rate=RATE)
    running = asyncio.create_task(load.run())
    try:
        yield
    finally:
        load.stop()
        await running


async def _regression(shop: Shop) -> Found:
    methods = [GET]
    async with (
        failing(shop.client, SERVICE, methods, percent=ERRORS, version=BASELINE),
        failing(shop.client, SERVICE, methods, percent=ERRORS * TIMES, version=CANARY),
        _canary() as run,
    ):
        tool = psutil.Process(run.process.pid)
        shifted = await run.until(Kind.APPLIED, action="shift")
        await run.until(Kind.OBSERVED)
        spent, since, memory = _processor_seconds(tool), time.monotonic(), 0.0
        while not (decided := decision(run.entries)):
            memory = max(memory, tool.memory_info().rss / 1e6)
            await run.another()
        processor = 100 * (_processor_seconds(tool) - spent) / (time.monotonic() - since)
        await _rolled_back(run)
    weights = [entry.facts["weights"][CANARY] for entry in run.of(Kind.APPLIED)]
    return Found(decided.at - shifted.at, max(weights), memory, processor)


async def _disaster(shop: Shop, cluster: LocalCluster) -> float:
    """Milliseconds from the decision until the last sidecar has stopped."""
    async with (
        failing(shop.client, SERVICE, [GET], percent=DISASTER, version=CANARY),
        _canary("--plan", str(QUICK)) as run,
    ):
        await run.until(Kind.OBSERVED)
        while not (decided := decision(run.entries)):
            await run.another()
        stopped = await _stopped(cluster.sidecars())
        await _rolled_back(run)
    return round(1000 * (stopped - decided.at))


@asynccontextmanager
async def _canary(*options: str) -> AsyncIterator[CanaryRun]:
    try:
        async with following("start", SERVICE, *options) as run:
            yield run
    except EndedBefore as error:
        raise BenchUnavailable(str(error)) from error


async def _rolled_back(run: CanaryRun) -> None:
    if (code := await run.end()) != ROLLED_BACK:
        raise BenchUnavailable(f"the canary was not rolled back, exit code {code}: {run.said[-500:]}")


def decision(entries: list[Entry]) -> Entry | None:
    """The verdict that rolls back, once there is one. Raises BenchUnavailable when the run has ended without."""
    for entry in entries:
        if entry.kind is Kind.JUDGED and (entry.facts["kill"] or entry.facts["outcome"] == "worse"):
            return entry
        if entry.kind in {Kind.ENDED, Kind.PAUSED}:
            raise BenchUnavailable(f"the canary was not found out: {entry.facts}")
    return None


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _stopped(sidecars: Mapping[str, str]) -> float:
    """When (unix time) the last of them was seen without any weight for the canary."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return max(await asyncio.gather(*(_stops(session, admin) for admin in sidecars.values())))


async def _stops(session: aiohttp.ClientSession, admin: str) -> float:
    while True:
        async with session.get(f"http://{admin}/config_dump", params=ROUTES) as response:
            said = await response.read()
        if not any(share(route) for route in objects(json.loads(said))):
            return time.time()


def share(document: Mapping[str, Any]) -> int:
    """What a weighted route gives the canary; 0 when the document is none, or gives it nothing."""
    clusters = document.get("weighted_clusters", {}).get("clusters", ())
    ours = f"|{CANARY}|{SERVICE}."
    return sum(cluster.get("weight", 0) for cluster in clusters if ours in cluster["name"])


def objects(document: Any) -> Iterator[Mapping[str, Any]]:
    """Every JSON object in a document."""
    if isinstance(document, dict):
        yield document
    inside = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for each in inside:
        yield from objects(each)
