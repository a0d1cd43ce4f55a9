"""How does a service reach its database? One function of a connection, one transaction.

A *work* is an ordinary function whose first argument is a synchronous `sqlalchemy.Connection`.
`write` and `read` run it as one transaction where blocking does no harm: a transaction is one hop to
a thread and back (docs/decisions/0003-one-hop-per-transaction.md). A cancelled caller never leaves
half a transaction: what has begun in the thread is finished there.

DATABASE_URL says where: in a SQLite file (sqlite.py), or on a PostgreSQL server that any number of
pods share (postgresql.py). What that asks of a work, on both:

- It may be run again, from its beginning, when the database has undone it. So it touches nothing
  but its connection, and its arguments may be read more than once.
- Whoever else writes is not kept out. A work that writes what depends on what it has read locks that
  row (`with_for_update`), or says in the UPDATE's own WHERE what must still be true, or lets a key
  decide (`insert_new`). Rows are locked in one order everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection, Table, make_url
from sqlalchemy.exc import ArgumentError

from services.hosting.errors import CannotStart
from services.hosting.lanes import Lane
from services.hosting.schema import Change, Seed

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert

CONNECTIONS = 8  # of one process to a database server
WAIT_SECONDS = 30.0  # pods start in any order

logger = logging.getLogger("argosy.database")

P = ParamSpec("P")
T = TypeVar("T")


class Database(Protocol):
    """Where a service's rows are."""

    async def write(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` as one transaction that may write; what it raises rolls everything back.

        Raises DependencyUnavailable when the database does not answer, or others were in the way too long.
        """

    async def read(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one unchanging view of the database. Raises DependencyUnavailable."""


class TwoLanes:
    """A database whose readers do not wait for its writers."""

    def __init__(self, writing: Lane, reading: Lane) -> None:
        self._writing, self._reading = writing, reading

    async def write(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._writing.run(lambda connection: work(connection, *args, **kwargs))

    async def read(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._reading.run(lambda connection: work(connection, *args, **kwargs))

    async def close(self) -> None:
        await self._writing.close()
        await self._reading.close()


@asynccontextmanager
async def open_database(
    url: str,
    migrations: Path,
    *,
    seed: Seed | None = None,
    migrating: bool = True,
    wait_seconds: float = WAIT_SECONDS,
    connections: int = CONNECTIONS,
) -> AsyncIterator[Database]:
    """The database at `url`, its schema at the newest revision in `migrations` or a newer one.

    It is upgraded and seeded first: replicas may start at once, one does it, the others wait and find
    it done. Unless `migrating`, somebody else does it (`migrate`), and is waited for. `wait_seconds` is
    how long a server that does not answer is waited for, and that somebody. `connections` bounds those
    to a server; a file has its own numbers. Raises CannotStart when the database cannot be used.
    """
    store = _store(_parsed(url))
    if migrating:
        await _migrated(store, migrations, seed, wait_seconds)
    else:
        await store.wait(migrations, wait_seconds)
    database = TwoLanes(*store.lanes(connections))
    try:
        yield database
    finally:
        await database.close()


async def migrate(
    url: str, migrations: Path, *, seed: Seed | None = None, wait_seconds: float = WAIT_SECONDS
) -> Change:
    """Upgrade the database at `url` and seed it; nothing is changed when it is so already. Raises CannotStart."""
    return await _migrated(_store(_parsed(url)), migrations, seed, wait_seconds)


def insert_new(connection: Connection, table: Table, **values: object) -> bool:
    """Insert one row; False, and nothing is changed, when a row with its key exists.

    Waits for another transaction that has inserted the key and not yet ended.
    """
    statement = inserting(connection, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return bool(connection.execute(statement, values).rowcount == 1)


def inserting(connection: Connection, table: Table) -> Insert:
    """An INSERT into `table` that knows ON CONFLICT. Each dialect has its own; what we use of them is the same."""
    insert: Callable[[Table], Insert] = import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert
    return insert(table)


class Store(Protocol):
    """One kind of database, at one place."""

    async def prepare(self, migrations: Path, seed: Seed | None, wait_seconds: float) -> Change:
        """Upgrade and seed it, one process at a time. Raises CannotStart."""

    async def wait(self, migrations: Path, wait_seconds: float) -> None:
        """Wait until somebody else has; change nothing. Raises CannotStart."""

    def lanes(self, connections: int) -> tuple[Lane, Lane]:
        """The lane that writes, and the one that reads."""


async def _migrated(store: Store, migrations: Path, seed: Seed | None, wait_seconds: float) -> Change:
    change = await store.prepare(migrations, seed, wait_seconds)
    logger.info("database ready", extra=asdict(change))
    return change


def _store(url: URL) -> Store:
    if url.get_backend_name() == "sqlite":
        from services.hosting.sqlite import File  # noqa: PLC0415  # a process loads the one it uses

        return File(Path(url.database or "").absolute())
    from services.hosting.postgresql import Server  # noqa: PLC0415  # see above

    return Server(url)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise CannotStart("DATABASE_URL is not a database URL") from None  # not shown: it may hold a password
    match parsed.drivername:
        case "sqlite" | "sqlite+aiosqlite" if parsed.database and parsed.database != ":memory:":
            return parsed
        case "postgresql" | "postgresql+psycopg" if parsed.database:
            return parsed
    raise CannotStart(
        f"DATABASE_URL: {parsed.drivername} is neither sqlite+aiosqlite:/// and a file "
        "nor postgresql+psycopg:// with a server and a database"
    )
