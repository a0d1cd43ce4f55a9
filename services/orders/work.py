"""Which work outlives the call that began it? Tasks of its own, counted, and waited for at shutdown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from services.orders.store import Overtaken

T = TypeVar("T")


class Work:
    """The tasks that go on when their callers are gone.

    `limit` is for whoever admits new work to ask; work that was admitted may always go on.
    """

    def __init__(self, limit: int, logger: logging.Logger) -> None:
        self._limit, self._logger = limit, logger
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def room(self) -> int:
        """How much more may be admitted."""
        return max(0, self._limit - len(self._tasks))

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` to its end, whoever waits for it; await the task through asyncio.shield."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, seconds: float) -> None:
        """Let everything end, also what is begun meanwhile, for so long; cancel what remains, for recovery."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        late = set(self._tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Overtaken):
            self._logger.info("order overtaken", extra={"order_id": error.order_id})
        elif error is not None:
            self._logger.error("order work failed; recovery will go on with it", exc_info=error)
