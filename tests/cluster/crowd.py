"""Who shops while something is done to the cluster?

Whatever waits meanwhile waits in a thread: a generator that is held up sends all at once what it owes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from loadtest.open_loop import OpenLoop
from loadtest.report import Report
from loadtest.shopper import Shopper, open_shopper

BROWSING, ORDERING = 50, 5  # calls per second


@dataclass(frozen=True)
class Crowd:
    """Customers who look and customers who buy."""

    browsing: OpenLoop
    ordering: OpenLoop

    async def go_on(self, calls: int = 100) -> None:
        """Wait until so many more of those who look were answered or failed."""
        wanted = len(self.browsing.report().samples) + calls
        async with asyncio.timeout(120):
            while len(self.browsing.report().samples) < wanted:
                await asyncio.sleep(0.1)

    def failures(self) -> list[str]:
        """How each failed call ended, and when: seconds after the first call."""
        return [told for load in (self.browsing, self.ordering) for told in failures(load.report())]

    def late(self) -> float:
        """Seconds behind schedule at which one call in a hundred was sent."""
        return self.browsing.report().lateness(0.99)


def failures(report: Report) -> list[str]:
    """How each failed call ended, and when: seconds after the first call."""
    return [
        f"{call.scheduled - report.samples[0].scheduled:.2f} s {call.outcome.label} {call.outcome.code.name}"
        f" {call.outcome.reason or call.outcome.detail}"
        for call in report.failures
    ]


@asynccontextmanager
async def shopping(door: str) -> AsyncIterator[Crowd]:
    """A crowd at the gateway meanwhile; every call has ended when this returns."""
    async with open_shopper(door) as shopper, asyncio.TaskGroup() as group:
        crowd = Crowd(_looking(shopper), _buying(shopper))
        loads = (crowd.browsing, crowd.ordering)
        for load in loads:
            group.create_task(load.run())
        try:
            await crowd.go_on()
            yield crowd
        finally:
            for load in loads:
                load.stop()


def _looking(shopper: Shopper) -> OpenLoop:
    return OpenLoop(lambda _: shopper.get_product(timeout=2.0), rate=BROWSING)


def _buying(shopper: Shopper) -> OpenLoop:
    return OpenLoop(lambda _: shopper.place_order(timeout=5.0), rate=ORDERING)
