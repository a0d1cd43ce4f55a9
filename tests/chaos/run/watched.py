"""Customers of a shop that does what the test says, and what a run asks besides."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from grpc import StatusCode

from loadtest.outcome import Kind, Outcome
from loadtest.report import Report, Sample
from mesh.chaos.experiment import Load
from mesh.chaos.observed import Event, Happened, Observed, Window
from mesh.chaos.run.senses import Senses
from mesh.chaos.site import Site

FINE = Outcome(StatusCode.OK, Kind.OK)
FAILED = Outcome(StatusCode.UNAVAILABLE, Kind.UNAVAILABLE)
BALANCED = {"verdict": "clean", "discrepancies": []}


def calls(failed: int = 0, of: int = 30) -> Report:
    """Calls of the last seconds, so many of which failed."""
    now = time.monotonic()
    ends = [FAILED] * failed + [FINE] * (of - failed)
    return Report(10.0, tuple(Sample(number, now, now, now + 0.01, end) for number, end in enumerate(ends)))


@dataclass
class Watched:
    """What a run sees. `at` is called with every event: where a test lets something happen."""

    failed: int = 0
    """Of thirty recent calls."""
    well: float = 10.0
    at: Callable[[Event], None] = lambda _: None
    breaks: Exception | None = None
    """What goes wrong with the load itself, seen when it ends."""
    audit: Mapping[str, Any] | Exception = field(default_factory=lambda: BALANCED)
    streams: tuple[str, ...] = ("orders",)
    events: list[Event] = field(default_factory=list)
    window: Window | None = None
    let_in: Load | None = None

    def event(self, kind: Happened, subject: str, detail: str = "", **facts: Any) -> Event:
        event = Event(time.monotonic(), kind, subject, detail, facts)
        self.events.append(event)
        self.at(event)
        return event

    def recent(self, _stream: str, _seconds: float) -> Report:
        return calls(self.failed)

    def well_for(self, _since: float) -> float:
        return self.well

    async def finished(self, window: Window) -> Observed:
        self.window = window
        return Observed(window, {"orders": calls()}, tuple(self.events), {})

    @property
    def senses(self) -> Senses:
        """Whom the run asks."""
        return Senses(self._observing, _surroundings, self._audited)

    @asynccontextmanager
    async def _observing(self, _site: Site, load: Load) -> AsyncIterator[Watched]:
        self.let_in = load
        yield self
        if self.breaks:
            raise self.breaks

    async def _audited(self, _site: Site) -> Mapping[str, Any]:
        if isinstance(self.audit, Exception):
            raise self.audit
        return self.audit


async def _surroundings(_site: Site) -> Mapping[str, Any]:
    return {"cores": 2}
