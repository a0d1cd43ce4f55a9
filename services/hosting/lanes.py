"""Where does a transaction block? In a thread of its own lane, never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")


class Lane:
    """As many threads as `engine` has connections; each takes the next transaction that waits, in order of arrival."""

    def __init__(self, engine: Engine, name: str, threads: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"database-{name}")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` as one transaction. What has begun is finished, whoever is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(self.transaction, work))

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` as one transaction, here and now."""
        with self._engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        """Finish what has begun, then let go of the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()
