"""When do reservations expire? Once their time has run out, at the latest a second later.

An overdue reservation is EXPIRED for everyone who asks for it by name, whether or not the sweep has been here:
see `reservations.lapsed`. The sweep gives its pieces back to the others. Any number of replicas may sweep at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from services.hosting.database import Database
from services.inventory import books
from services.inventory.reservations import State, lapsed

INTERVAL = 1.0  # seconds
BATCH = 500  # reservations looked up at once


class Expirer:
    """Gives back the pieces of reservations whose time has run out."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    async def run(self) -> None:
        """Sweep every second until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> int:
        """Expire what is due; how many reservations that were. One transaction for each: no long locks."""
        now = self._now()
        expired = 0
        while overdue := await self._database.read(books.due, now, BATCH):
            for reservation_id in overdue:
                after = await self._database.write(books.change, reservation_id, partial(lapsed, now=now))
                expired += after.state is State.EXPIRED
        return expired
