"""When do reservations expire? Once their time has run out, at the latest a second later.

An overdue reservation is EXPIRED for everyone who asks for it by name, whether or not the sweep has been here:
see `reservations.lapsed`. The sweep gives its pieces back to the others. Any number of replicas may sweep at once.
A reservation whose pieces are missing from the books is logged and passed over: it must not stop the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from services.hosting.database import Database
from services.inventory import books
from services.inventory.books import BooksBroken
from services.inventory.reservations import State, lapsed

INTERVAL = 1.0  # seconds
BATCH = 500  # reservations looked up at once


class Expirer:
    """Gives back the pieces of reservations whose time has run out."""

    def __init__(self, database: Database, now: Callable[[], int], logger: logging.Logger) -> None:
        self._database, self._now, self._logger = database, now, logger
        self._broken: set[str] = set()  # reservations the last sweep passed over

    async def run(self) -> None:
        """Sweep every second until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> int:
        """Expire what is due; how many reservations that were. One transaction for each: no long locks."""
        now = self._now()
        expired, broken = 0, set[str]()
        while overdue := await self._overdue(now, broken):
            for reservation_id in overdue:
                try:
                    after = await self._database.write(books.change, reservation_id, partial(lapsed, now=now))
                    expired += after.state is State.EXPIRED
                except BooksBroken as error:
                    broken.add(reservation_id)
                    self._tell(reservation_id, error)
        self._broken = broken
        return expired

    async def _overdue(self, now: int, broken: set[str]) -> list[str]:
        """The next to expire. What is broken stays due, and first: look behind it."""
        due = await self._database.read(books.due, now, BATCH + len(broken))
        return [reservation_id for reservation_id in due if reservation_id not in broken]

    def _tell(self, reservation_id: str, error: BooksBroken) -> None:
        if reservation_id not in self._broken:  # once, not every second
            self._logger.error("reservation cannot expire", extra={"reservation_id": reservation_id}, exc_info=error)
