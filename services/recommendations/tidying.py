"""What keeps the tables small? Once a minute, old looks and weak pairs go. Any number of replicas may tidy at once."""

from __future__ import annotations

from collections.abc import Callable

from services.hosting.database import Database
from services.recommendations import knowledge, views


class Tidying:
    """Lets go of what no longer matters; `now` is in microseconds since 1970."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database, self._now = database, now

    async def tidy(self) -> None:
        """Tidy up, a short transaction for each product that is crowded."""
        await self._database.write(views.forget, self._now())
        for product_id in await self._database.read(knowledge.crowded):
            await self._database.write(knowledge.thin_out, product_id)
