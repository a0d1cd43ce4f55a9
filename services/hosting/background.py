"""How do a service's background tasks run? Until the drain; one that raises is started again, later each time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import Counter

from services.hosting.hosted import Background

FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 30.0
WELL_AFTER = 60.0  # seconds that a task must have run for its next failure to count as the first

logger = logging.getLogger("argosy.background")


@asynccontextmanager
async def running(
    tasks: Sequence[Background], failures: Counter, *, first_pause: float = FIRST_PAUSE
) -> AsyncIterator[None]:
    """Run `tasks` while the block runs, then cancel them and wait for their end."""
    started = [asyncio.create_task(_keep_running(task, failures, first_pause)) for task in tasks]
    try:
        yield
    finally:
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


async def _keep_running(task: Background, failures: Counter, first_pause: float) -> None:
    name, clock, pause = getattr(task, "__qualname__", repr(task)), asyncio.get_running_loop().time, first_pause
    while True:
        began = clock()
        try:
            return await task()
        except Exception:
            if clock() - began >= WELL_AFTER:
                pause = first_pause
            failures.labels(name).inc()
            logger.exception("background task failed", extra={"task": name, "again_in": pause})
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
