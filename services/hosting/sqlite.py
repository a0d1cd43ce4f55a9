"""How is a SQLite file used? By one writer at a time and any number of readers beside it.

The one writer's thread queues this process's transactions in order of arrival, where SQLite's own
busy handler sleeps and starves, and commits together what waits (group_commit.py). Other processes on
the same file are kept out by BEGIN IMMEDIATE (a transaction that reads first and writes later fails at
once when another has written in between) and waited for by the busy timeout.

Durability: WAL with synchronous=FULL, so what was committed survives kill -9 and a power cut
(https://sqlite.org/pragma.html#pragma_synchronous). NORMAL would survive kill -9 as well and is 0.3 ms
quicker, but after a power cut the books of two services might no longer agree.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection as DriverConnection
from sqlite3 import Error as DriverError

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from services.hosting import schema
from services.hosting.errors import CannotStart, DependencyUnavailable
from services.hosting.group_commit import GroupCommit
from services.hosting.lanes import FaithfulLane, Lane
from services.hosting.schema import Change, Seed
from services.hosting.starting import NotYet, patiently

BUSY_TIMEOUT = 5.0  # seconds that a transaction waits for another process's
READERS = 4


class File:
    """The database in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lanes(self, _: int) -> tuple[Lane, Lane]:
        """The lane that writes, and the one that reads."""
        writing = _engine(self._path, begin="BEGIN IMMEDIATE", connections=1)
        reading = _engine(self._path, begin="BEGIN", connections=READERS)
        return GroupCommit(writing, "writer"), FaithfulLane(reading, "reader", READERS)

    async def prepare(self, migrations: Path, seed: Seed | None, _: float) -> Change:
        """Make the file, if there is none, upgrade and seed it. Raises CannotStart."""
        with self._told():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return await asyncio.to_thread(_establish, self._path, migrations, seed)

    async def wait(self, migrations: Path, wait_seconds: float) -> None:
        """Wait until somebody else has made and upgraded the file. Raises CannotStart."""
        with self._told():
            await patiently(partial(_upgraded, self._path, migrations), seconds=wait_seconds)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unusable(error.strerror) from error
        except (NotYet, DriverError, OperationalError, DependencyUnavailable) as error:
            raise self._unusable(getattr(error, "orig", error)) from error

    def _unusable(self, why: object) -> CannotStart:
        return CannotStart(f"DATABASE_URL: {self._path} cannot be used: {why}")


def _establish(file: Path, migrations: Path, seed: Seed | None) -> Change:
    engine = _engine(file, begin="BEGIN IMMEDIATE", connections=1)
    try:
        with _locked(file.with_name(f"{file.name}.lock")):
            _use_write_ahead_log(engine)
            with engine.begin() as connection:
                return schema.establish(connection, migrations, seed)
    finally:
        engine.dispose()


def _upgraded(file: Path, migrations: Path) -> None:
    if not file.exists():
        raise NotYet("it does not exist")  # connecting would make it
    engine = _engine(file, begin="BEGIN", connections=1)
    try:
        with engine.begin() as connection:
            schema.require(connection, migrations)
    except DependencyUnavailable as error:
        raise NotYet("it is locked") from error
    finally:
        engine.dispose()


def _use_write_ahead_log(engine: Engine) -> None:
    """Set once, kept in the file; outside a transaction, and not while others open the file."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _engine(file: Path, *, begin: str, connections: int) -> Engine:
    # hide_parameters: an error's text goes to the log, rows do not.
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT},
        hide_parameters=True,
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
