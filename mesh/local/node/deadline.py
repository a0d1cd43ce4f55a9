"""A moment that can be moved nearer while others wait for it: a pod's grace period, shortened by a second delete."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


class Deadline:
    """A point in the running loop's time."""

    def __init__(self, seconds: float) -> None:
        self._at = asyncio.get_running_loop().time() + seconds
        self._shortened = asyncio.Event()

    def shorten(self, seconds: float) -> None:
        """Be over in `seconds` from now, unless that is later than it would be anyway."""
        self._at = min(self._at, asyncio.get_running_loop().time() + seconds)
        self._shortened.set()

    @property
    def remaining(self) -> float:
        return max(0.0, self._at - asyncio.get_running_loop().time())

    async def passed(self) -> None:
        """Wait for it, however often it is shortened."""
        while self.remaining > 0:
            self._shortened.clear()
            try:
                async with asyncio.timeout(self.remaining):
                    await self._shortened.wait()
            except TimeoutError:
                continue

    async def bounds(self, work: Awaitable[object]) -> bool:
        """Wait for `work` until the deadline; True when it finished, else it is cancelled."""
        task = asyncio.ensure_future(work)
        passing = asyncio.create_task(self.passed())
        try:
            await asyncio.wait({task, passing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()
            finished = task.done()
            if not finished:
                task.cancel()
        if finished:
            await task
        return finished
