"""A shop with two versions of catalog, made of a scripted Kubernetes API and of sidecars that follow its route."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesh.canary.act.route import Route
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.state import State
from mesh.canary.measure.counters import Counters
from mesh.canary.measure.source import Caller, Reading
from mesh.canary.plan import Plan
from mesh.canary.run.holding import carried_out, held
from mesh.canary.run.place import Bell, Place
from mesh.canary.run.recorder import Recorder
from tests.canary.act.routes import primary, virtual_service
from tests.canary.journal.entries import STARTED
from tests.canary.kubernetes_api import KubernetesApi

ROUTES, PODS, MAPS, LEASES = "virtualservices", "pods", "configmaps", "leases"

_A_PERCENT = 10  # requests a second


@dataclass
class Time:
    """Seconds that pass when somebody waits; what is to happen at a moment happens then."""

    now: float = 1000.0
    plans: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        due = [plan for plan in self.plans if plan[0] <= self.now]
        self.plans = [plan for plan in self.plans if plan not in due]
        for _, happen in due:
            happen()

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let it happen so many seconds from now."""
        self.plans.append((self.now + seconds, happen))


class Waiting(Bell):
    """Waits in the time of the test."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    async def wait(self, seconds: float) -> None:
        self._time.pass_by(seconds)
        await asyncio.sleep(0)


@dataclass
class Sidecars:
    """One caller that sends a thousand requests a second where the route says."""

    api: KubernetesApi
    time: Time
    failing: dict[str, float] = field(default_factory=dict)
    """The share of a version's requests that fail."""
    silent: bool = False
    stuck: dict[str, int] = field(default_factory=dict)
    """Weights that the sidecar goes by, whatever the route says."""
    least_seconds: float = 0.0
    _sent: dict[str, list[float]] = field(default_factory=dict)
    _until: float | None = None

    async def read(self) -> Reading:
        self._send()
        caller = Caller("orders-1", "uid/0", 0.0)
        pods = {} if self.silent else {caller: {version: self._counters(version) for version in self._sent}}
        missing = ("orders-1: no answer within 2 s",) if self.silent else ()
        return Reading(self.time.now, pods, missing, "ab12", b"raw")

    def _send(self) -> None:
        seconds = self.time.now - (self.time.now if self._until is None else self._until)
        self._until = self.time.now
        weights = self.stuck or Route.of("catalog", self.api.objects[ROUTES, "catalog"]).weights
        for version, weight in weights.items():
            good_and_bad = self._sent.setdefault(version, [0.0, 0.0])
            bad = self.failing.get(version, 0.0)
            good_and_bad[0] += seconds * _A_PERCENT * weight * (1 - bad)
            good_and_bad[1] += seconds * _A_PERCENT * weight * bad

    def _counters(self, version: str) -> Counters:
        good, bad = (round(number) for number in self._sent[version])
        latency = {5.0: good, 10.0: good + bad, float("inf"): good + bad}
        return Counters({"OK": good, "UNAVAILABLE": bad}, latency=latency)


@dataclass
class Heard:
    """Who listens to a run."""

    entries: list[Entry] = field(default_factory=list)

    def heard(self, entry: Entry) -> None:
        self.entries.append(entry)

    @property
    def kinds(self) -> list[Kind]:
        return [entry.kind for entry in self.entries]

    def facts(self, kind: Kind) -> list[Any]:
        return [entry.facts for entry in self.entries if entry.kind is kind]


@dataclass
class Watchdog:
    """Who watches over the run, or nobody."""

    name: str | None = "watchdog@host pid 3"

    async def on_duty(self) -> str | None:
        return self.name


@dataclass
class Shop:
    """Everything at once, and what a test asks of it."""

    api: KubernetesApi
    place: Place
    time: Time
    sidecars: Sidecars
    heard: Heard
    watchdog: Watchdog

    @property
    def route(self) -> Route:
        return Route.of("catalog", self.api.objects[ROUTES, "catalog"])

    async def start(self, plan: Plan, **facts: Any) -> State:
        """A run from its first entry; what comes before that is for the end-to-end tests."""
        async with held(self.place, self.place.holder("r1")):
            given = {**STARTED, "plan": plan.model_dump(mode="json"), **facts}
            recorder = await Recorder.begun(self.place, "r1", given)
            return await carried_out(self.place, recorder)

    def pods(self, version: str, ready: int, *, waiting: str = "", image: str = "argosy:1") -> None:
        """Let there be these pods of a version, and no others."""
        for key in [key for key in self.api.objects if key[0] == PODS and f"-{version}-" in key[1]]:
            del self.api.objects[key]
        for number in range(ready):
            self.api.put(PODS, _pod(version, number, ready=True, waiting="", image=image))
        if waiting:
            self.api.put(PODS, _pod(version, ready, ready=False, waiting=waiting, image=image))


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Shop]:
    """A shop with all traffic at v1, and two pods of each version."""
    api, time, heard, watchdog = KubernetesApi(), Time(), Heard(), Watchdog()
    api.put(ROUTES, virtual_service(primary(v1=100, v2=0)))
    sidecars = Sidecars(api, time)
    async with api.client() as client:
        place = Place(
            client,
            "catalog",
            guard=watchdog.on_duty,
            folder=folder,
            by="anna@laptop pid 1",
            source=sidecars,
            listeners=[heard],
            bell=Waiting(time),
            clock=lambda: time.now,
        )
        made = Shop(api, place, time, sidecars, heard, watchdog)
        made.pods("v1", 2)
        made.pods("v2", 2)
        yield made


def weights_of(entries: Sequence[Any]) -> list[int]:
    """What the canary was given, write by write."""
    return [facts["weights"]["v2"] for facts in entries]


def _pod(version: str, number: int, *, ready: bool, waiting: str, image: str) -> dict[str, Any]:
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    container = {"name": "catalog", "image": image, "imageID": "", "ready": ready, "restartCount": 0, "state": state}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"catalog-{version}-{number}", "labels": {"app": "catalog", "version": version}},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [container],
        },
    }
