"""Did the generator keep its own schedule? If not, its numbers describe the generator and not the server.

Lateness is how long after its due time a call was sent; lag is how late the event loop runs whatever is due, answers
included. Both are part of every latency that is reported, so a late generator never flatters a server: it slanders it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from loadtest.histogram import Histogram

KEPT_UP = 0.98  # of the calls that were due
LATE = 0.1  # seconds at the 99th percentile
LOOK_EVERY = 0.01  # seconds between two looks at the event loop


class Clock(Protocol):
    """Seconds that only grow, and waiting for them to pass."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


@dataclass
class Punctuality:
    """How one generator, or several, kept its schedule."""

    due: int = 0
    dropped: int = 0  # due, but too many others were in flight
    planned: float = 0.0  # seconds that the schedule takes, from its start to the last call that was due
    taken: float = 0.0  # seconds until the last call was really sent
    lateness: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)

    def sent(self, due: float, now: float) -> None:
        """A call that was due at `due` is sent `now`, both in seconds since the start."""
        self.due += 1
        self.planned, self.taken = max(self.planned, due), max(self.taken, now)
        self.lateness.record(now - due)

    def drop(self, due: float) -> None:
        """A call that was due was not sent at all."""
        self.due += 1
        self.dropped += 1
        self.planned = max(self.planned, due)

    @property
    def achieved(self) -> float:
        """The share of the rate asked for that was really sent; 0 when nothing was due."""
        if not self.due:
            return 0.0
        in_time = min(1.0, self.planned / self.taken) if self.planned else 1.0  # one call is no schedule
        return (self.due - self.dropped) / self.due * in_time

    def bound(self, tolerated: float = LATE) -> Iterator[str]:
        """Why the numbers are the generator's own, a sentence each; nothing when they are not."""
        if self.due and self.achieved < KEPT_UP:
            dropped = f", {self.dropped} calls were never sent" if self.dropped else ""
            yield f"it sent {self.achieved:.1%} of the rate asked for, at least {KEPT_UP:.0%} are needed{dropped}"
        for what, seen in (("calls were sent", self.lateness), ("its event loop ran", self.lag)):
            if seen.count and (late := seen.quantile(0.99)) > tolerated:
                yield f"{what} {1000 * late:.0f} ms late (p99), {1000 * tolerated:.0f} ms are tolerated"

    def add(self, other: Punctuality) -> None:
        """Take in what another generator saw, which ran beside this one."""
        self.due += other.due
        self.dropped += other.dropped
        self.planned, self.taken = max(self.planned, other.planned), max(self.taken, other.taken)
        self.lateness.add(other.lateness)
        self.lag.add(other.lag)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        counts = {name: getattr(self, name) for name in ("due", "dropped", "planned", "taken")}
        return counts | {"lateness": self.lateness.encoded(), "lag": self.lag.encoded()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Punctuality:
        """What was written."""
        seen = {name: Histogram.decoded(data[name]) for name in ("lateness", "lag")}
        return cls(data["due"], data["dropped"], data["planned"], data["taken"], **seen)


@asynccontextmanager
async def lag_watched(into: Histogram, clock: Clock) -> AsyncIterator[None]:
    """Record how late the event loop is, again and again, while the block runs."""
    watching = asyncio.create_task(_watch(into, clock))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(into: Histogram, clock: Clock) -> None:
    while True:
        due = clock.now() + LOOK_EVERY
        await clock.sleep(LOOK_EVERY)
        into.record(max(0.0, clock.now() - due))
