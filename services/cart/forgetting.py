"""When is a cart forgotten? When nobody has changed it for a quarter of a year; what was done to it, after a day.

A deed is remembered for whoever calls again because an answer was lost, which takes seconds. Any number of replicas
may forget at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.cart import store
from services.hosting.database import Database

INTERVAL = 3600.0  # seconds
DAY = 86_400_000_000  # microseconds
CARTS_KEPT = 90 * DAY
DEEDS_KEPT = DAY


class Forgetter:
    """Keeps the tables as large as what people use."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database, self._now = database, now

    async def run(self) -> None:
        """Forget every hour until cancelled."""
        while True:
            await self.forget()
            await asyncio.sleep(INTERVAL)

    async def forget(self) -> tuple[int, int]:
        """Forget what is due; how many carts and deeds that were."""
        now = self._now()
        return await self._database.write(store.forget, now - CARTS_KEPT, now - DEEDS_KEPT)
