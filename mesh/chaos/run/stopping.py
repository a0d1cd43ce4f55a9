"""How is a run ended early? Whatever it waits for is cut short, once; what undoes it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Stopped(Exception):
    """The run is to end now; the message says why."""


class Stop:
    """Where somebody says that a run has to end: Ctrl-C, a guard."""

    def __init__(self) -> None:
        self.why = ""
        self._waiting: asyncio.Timeout | None = None

    def now(self, why: str) -> None:
        """End it, for this reason; the first one counts."""
        self.why = self.why or why
        if self._waiting and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def unless(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work to its end. Raises Stopped as soon as the run has to end."""
        if self.why:
            raise Stopped(self.why)
        try:
            async with asyncio.timeout(None) as self._waiting:
                await work()
        except TimeoutError:
            if self.why:
                raise Stopped(self.why) from None
            raise
        finally:
            self._waiting = None
