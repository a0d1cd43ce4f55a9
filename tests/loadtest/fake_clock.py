"""A clock that jumps to the next moment anybody waits for, once nobody has anything left to do."""

import asyncio
import heapq
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

Result = TypeVar("Result")
SETTLED = 20  # passes of the event loop after which tasks without I/O have come to rest


class FakeClock:
    def __init__(self) -> None:
        self._now = 0.0
        self._order = count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self._now + seconds, next(self._order), woken))
        await woken

    def freeze(self, seconds: float) -> None:
        """Time passes while nobody can run, as in a garbage collection."""
        self._now += seconds

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.create_task(work)
        while True:
            for _ in range(SETTLED):
                await asyncio.sleep(0)
            if task.done():
                return task.result()
            at, _, woken = heapq.heappop(self._waiting)
            self._now = max(self._now, at)
            if not woken.done():
                woken.set_result(None)
