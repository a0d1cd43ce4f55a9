"""Who shops while a canary runs, and was anybody turned away?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from loadtest.open_loop import OpenLoop
from loadtest.report import Sample
from loadtest.shopper import Shopper

PATIENCE = 5.0  # seconds; the machine may be busy
OVERLOADED = "OVERLOADED"
"""Why a server refuses that has not the processor for all: it tells of the machine the test shares, and of no route."""
INJECTED = "fault filter abort"
"""What a test has asked for: a connection that was idle when the fault went meets it once more."""


class Customers:
    """People who look at products and people who order, on a schedule."""

    def __init__(self, loads: Sequence[OpenLoop]) -> None:
        self._loads = loads

    @property
    def turned_away(self) -> list[Sample]:
        """The requests that came to nothing, of those that have ended."""
        failures = [each for load in self._loads for each in load.report().failures]
        return [each for each in failures if each.outcome.reason != OVERLOADED and each.outcome.detail != INJECTED]

    @property
    def answered_by(self) -> dict[str, int]:
        """How many looks at a product each version of catalog has answered."""
        return dict(self._loads[0].report().versions)


@asynccontextmanager
async def shopping(shopper: Shopper, *, browsing: float = 60, ordering: float = 3) -> AsyncIterator[Customers]:
    """So many looks at products and orders a second meanwhile; the last one has ended when the block has."""
    loads = [
        OpenLoop(lambda _: shopper.get_product(timeout=PATIENCE), rate=browsing),
        OpenLoop(lambda _: shopper.place_order(timeout=PATIENCE, presses=3), rate=ordering),
    ]
    running = [asyncio.create_task(load.run()) for load in loads]
    try:
        yield Customers(loads)
    finally:
        for load in loads:
            load.stop()
        await asyncio.gather(*running)
