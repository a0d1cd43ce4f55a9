"""How is one run watched? Customers come in an open loop, and everything that can be read is read meanwhile.

async with observing(site, load) as observer:
    observer.event(Happened.INJECTED, "payments-slow")
    ...
    observed = await observer.finished(window)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from lightkube.resources.core_v1 import Pod

from loadtest.open_loop import MonotonicClock
from loadtest.report import Report
from mesh.chaos.experiment import Load
from mesh.chaos.observe.asking import way_of
from mesh.chaos.observe.changes import of_circuits, of_ejections
from mesh.chaos.observe.counters import Server, Sidecar
from mesh.chaos.observe.customers import Stream, customers, running, well_for
from mesh.chaos.observe.following import Pods, follow_routes
from mesh.chaos.observe.readings import Asked, Reading, read
from mesh.chaos.observe.served import served
from mesh.chaos.observed import Event, Happened, Observed, Window
from mesh.chaos.site import Site
from mesh.pod_pages import WITHIN, Way

INTERVAL = 0.5  # seconds between two readings of everybody's counters
PATIENCE = 0.5  # for one that is on this machine; elsewhere a way may have to be dug first
"""What is read twice a second costs the load's own process a hundredth of a core."""


class Observer:
    """What is known so far. Times are seconds of `now`, the clock of the samples (time.monotonic)."""

    def __init__(self, site: Site, streams: Mapping[str, Stream], pods: Pods, way: Way) -> None:
        self._site, self._streams, self._pods, self._way = site, streams, pods, way
        self._clock = MonotonicClock()
        self._events: list[Event] = []
        self._readings: list[Reading] = []
        self._servers: dict[Asked, Server] = {}
        self._sidecars: dict[Asked, Sidecar] = {}
        self._look_now = asyncio.Event()
        self._load: asyncio.Task[None] | None = None

    def now(self) -> float:
        """The clock of samples, events and windows."""
        return self._clock.now()

    def event(self, kind: Happened, subject: str, detail: str = "", **facts: Any) -> Event:
        """Put something that happens now on the timeline; counters are read at once, to tell before from after."""
        event = Event(self.now(), kind, subject, detail, facts)
        self._events.append(event)
        self._look_now.set()
        return event

    @property
    def events(self) -> tuple[Event, ...]:
        """What has happened so far, in order."""
        return tuple(sorted(self._events, key=lambda event: event.at))

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams there are: of orders, browsing, pages, those whose rate is not 0."""
        return tuple(self._streams)

    @property
    def pods(self) -> Iterable[Pod]:
        """The pods of the shop, as they were last reported."""
        return self._pods.known.values()

    def recent(self, stream: str, seconds: float) -> Report:
        """The calls due in the last `seconds` about which all is known: they end where a call is still unanswered."""
        return self._streams[stream].recent(seconds)

    def well_for(self, since: float) -> float:
        """Seconds in which no call of any stream failed: from `since`, or the last that did, to where all is known."""
        return well_for(self._streams.values(), since)

    async def finished(self, window: Window) -> Observed:
        """End the load, wait for its last calls, and tell everything. Once."""
        await self._stopped()
        await self._take(WITHIN)
        reports = {name: stream.loop.report() for name, stream in self._streams.items()}
        return Observed(window, reports, self.events, served(self._readings, window), tuple(unreached(self._readings)))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Load and look while the block runs. A fault of ours in that ends it when the block has."""
        client, namespace = self._site.client, self._site.shop.namespace
        await self._take(None)  # before the first customer comes: finding the ways to all pods takes the processor, too
        self._load = asyncio.create_task(running(self._streams))
        tasks = [
            self._load,
            asyncio.create_task(self._pods.follow(client, namespace, self.now, self._events.extend)),
            asyncio.create_task(follow_routes(client, namespace, self.now, self._events.extend)),
            asyncio.create_task(self._keep_looking()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if ended and not isinstance(ended, asyncio.CancelledError):
                    raise ended

    async def _stopped(self) -> None:
        for stream in self._streams.values():
            stream.loop.stop()
        if self._load:
            await self._load

    async def _keep_looking(self) -> None:
        while True:
            self._look_now.clear()
            await self._take(PATIENCE if self._site.cluster.local else None)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._look_now.wait()

    async def _take(self, patience: float | None) -> None:
        reading = await read(self._way, self._pods.known.values(), self.now, patience)
        if self._readings:
            self._events.extend(of_circuits(self._servers, reading, self._readings[0].unix))
            self._events.extend(of_ejections(self._sidecars, reading))
        self._readings.append(reading)
        self._servers |= reading.servers
        self._sidecars |= reading.sidecars


@asynccontextmanager
async def observing(site: Site, load: Load, seed: int = 1) -> AsyncIterator[Observer]:
    """Load the shop and watch it while the block runs; however that ends, nothing of it is left.

    Raises ChaosError when no customer gets in.
    """
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(way_of(site))
        pods = Pods([pod async for pod in site.client.list(Pod, namespace=site.shop.namespace)])
        observer = Observer(site, await stack.enter_async_context(customers(site, load, seed)), pods, way)
        await stack.enter_async_context(observer.at_work())
        yield observer


def unreached(readings: Sequence[Reading]) -> Iterator[str]:
    """The pods that did not always answer, how often, and what they said last."""
    missed: Counter[str] = Counter(pod for reading in readings for pod in reading.missing)
    why = {pod: reason for reading in readings for pod, reason in reading.missing.items()}
    for pod, times in sorted(missed.items()):
        yield f"{pod}: {times} of {len(readings)} times: {why[pod]}"
