"""When is something done in the background? Each at its own pace; what cannot be done is tried again the next time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.hosting.errors import DependencyUnavailable
from services.hosting.pages import Unreadable

AFTER_A_FAILURE = 5.0  # seconds, or sooner: pods start in any order, and a page without suggestions is a poor one


class Chore:
    """Something that is done every `interval` seconds."""

    def __init__(self, name: str, do: Callable[[], Awaitable[None]], interval: float, logger: logging.Logger) -> None:
        self._name, self._do, self._interval, self._logger = name, do, interval, logger
        self._failing = False

    async def run(self) -> None:
        """Do it until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(self.pause)

    @property
    def pause(self) -> float:
        """Seconds until it is done again."""
        return min(self._interval, AFTER_A_FAILURE) if self._failing else self._interval

    async def once(self) -> None:
        """Do it once. That others do not let it is told once, and that they do again."""
        try:
            await self._do()
        except (Unreadable, DependencyUnavailable) as error:
            if not self._failing:
                self._logger.warning("chore fails", extra={"chore": self._name, "said": str(error)})
            self._failing = True
        else:
            if self._failing:
                self._logger.info("chore works again", extra={"chore": self._name})
            self._failing = False
