"""Where does a transaction block? In a thread of its own lane, never on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")


class Lane:
    """As many threads as `engine` has connections; each takes the next transaction that waits, in order of arrival."""

    def __init__(self, engine: Engine, name: str, threads: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, f"database-{name}", _named, (f"database-{name}",))

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


class FaithfulLane(Lane):
    """A lane whose threads keep a connection each, for a database that is no further away than a file.

    Taking one from the pool and clearing it up again would cost a fifth of a small transaction.
    """

    def __init__(self, engine: Engine, name: str, threads: int) -> None:
        super().__init__(engine, name, threads)
        self._own = threading.local()
        self._all: list[Connection] = []

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` as one transaction, here and now."""
        connection = self._connection()
        with connection.begin():
            return work(connection)

    async def close(self) -> None:
        """Finish what has begun, then let go of the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._all:
            connection.close()
        self._engine.dispose()

    def _connection(self) -> Connection:
        known: Connection | None = getattr(self._own, "connection", None)
        if known is None:
            known = self._own.connection = self._engine.connect()
            self._all.append(known)
        return known


def _named(name: str) -> None:
    """Show the thread's name to the operating system, too, so that `top -H` and the benchmarks tell it from others."""
    with suppress(OSError):  # not Linux, or no /proc
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
