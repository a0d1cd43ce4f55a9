"""What is removed once nobody needs it? Sessions that are over and tries that no longer count, every few minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.hosting.database import Database
from services.users import attempts, sessions

INTERVAL = 300.0  # seconds


class Housekeeper:
    """Keeps the tables as small as they may be."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database, self._now = database, now

    async def run(self) -> None:
        """Sweep every few minutes until cancelled."""
        while True:
            await self.sweep()
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> None:
        """Remove what is over now."""
        for forget in (sessions.forget, attempts.forget):
            await self._database.write(forget, self._now())
