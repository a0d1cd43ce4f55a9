"""How does a service reach its database? One function of a connection, one transaction.

A *work* is an ordinary function whose first argument is a synchronous `sqlalchemy.Connection`.
`write` and `read` run it as one transaction where blocking does no harm: a SQLite file has one
writer thread and a few reader threads, and a transaction is one hop to them. An AsyncEngine on
aiosqlite hops for every statement: 3.6 ms against 1.2 ms for a read and an update
(docs/decisions/0003-one-hop-per-transaction.md).

The one writer also queues this process's transactions in order of arrival, where SQLite's own busy
handler sleeps and starves. Other processes on the same file are kept out by BEGIN IMMEDIATE (a
transaction that reads first and writes later fails at once when another has written in between) and
waited for by the busy timeout. A cancelled caller never leaves half a transaction: what has begun in
the thread is finished there.

Durability: WAL with synchronous=FULL, so what was committed survives kill -9 and a power cut
(https://sqlite.org/pragma.html#pragma_synchronous). NORMAL would survive kill -9 as well and is 0.3 ms
quicker, but after a power cut the books of two services might no longer agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import Connection as DriverConnection
from sqlite3 import Error as DriverError
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, Table, create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from services.hosting.errors import CannotStart, DependencyUnavailable
from services.hosting.schema import upgrade

BUSY_TIMEOUT = 5.0  # seconds that a transaction waits for another process's
READERS = 4  # threads

P = ParamSpec("P")
T = TypeVar("T")


class Database(Protocol):
    """Where a service's rows are. A database server with an asynchronous driver fits behind it, too."""

    async def write(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` as one transaction that may write; what it raises rolls everything back."""

    async def read(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one unchanging view of the database."""


class SqliteDatabase:
    """A SQLite file: any number of readers beside one writer."""

    def __init__(self, file: Path) -> None:
        url = URL.create("sqlite", database=str(file))
        self._writing = _engine(url, begin="BEGIN IMMEDIATE", connections=1)
        self._reading = _engine(url, begin="BEGIN", connections=READERS)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")

    async def write(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await _hop(self._writer, self._writing, work, *args, **kwargs)

    async def read(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await _hop(self._readers, self._reading, work, *args, **kwargs)

    async def close(self) -> None:
        """Finish what has begun, then let go of the file."""
        await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        self._writing.dispose()
        self._reading.dispose()


@asynccontextmanager
async def open_database(url: str, migrations: Path) -> AsyncIterator[Database]:
    """The database at `url`, its schema upgraded first to the newest revision in `migrations`.

    Replicas may start at once: one upgrades, the others wait and find it done. Raises CannotStart
    when the file cannot be opened or written.
    """
    file = _file(url)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(_prepare, file, migrations)
    except OSError as error:
        raise CannotStart(f"DATABASE_URL: {file} cannot be used: {error.strerror}") from error
    except (DriverError, OperationalError, DependencyUnavailable) as error:
        raise CannotStart(f"DATABASE_URL: {file} cannot be used: {getattr(error, 'orig', error)}") from error
    database = SqliteDatabase(file)
    try:
        yield database
    finally:
        await database.close()


def insert_new(connection: Connection, table: Table, **values: object) -> bool:
    """Insert one row; False, and nothing is changed, when a row with its key exists."""
    return connection.execute(sqlite.insert(table).on_conflict_do_nothing(), values).rowcount == 1


def _file(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise CannotStart("DATABASE_URL is not a database URL") from None  # not shown: it may hold a password
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise CannotStart(f"DATABASE_URL: {parsed.drivername} is not sqlite+aiosqlite:/// and a file")
    return Path(parsed.database).absolute()


def _prepare(file: Path, migrations: Path) -> None:
    engine = _engine(URL.create("sqlite", database=str(file)), begin="BEGIN IMMEDIATE", connections=1)
    try:
        upgrade(engine, file.with_name(f"{file.name}.lock"), migrations)
    finally:
        engine.dispose()


async def _hop(
    threads: ThreadPoolExecutor,
    engine: Engine,
    work: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    def transaction() -> T:
        with engine.begin() as connection:
            return work(connection, *args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(threads, transaction)


def _engine(url: URL, *, begin: str, connections: int) -> Engine:
    # hide_parameters: an error's text goes to the log, rows do not.
    engine = create_engine(
        url, pool_size=connections, max_overflow=0, connect_args={"timeout": BUSY_TIMEOUT}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def connected(connection: DriverConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # Python shall not begin on its own; `begun` does
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine, "handle_error")
    def failed(context: ExceptionContext) -> None:
        if "database is locked" in str(context.original_exception):
            raise DependencyUnavailable("database", reason="DATABASE_BUSY", retry_in=0.1) from None

    return engine
