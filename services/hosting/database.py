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

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection, Table, make_url
from sqlalchemy.exc import ArgumentError

from services.hosting.errors import CannotStart
from services.hosting.lanes import Lane

CONNECTIONS = 8  # of one process to a database server

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
async def open_database(url: str, migrations: Path, *, connections: int = CONNECTIONS) -> AsyncIterator[Database]:
    """The database at `url`, its schema upgraded first to the newest revision in `migrations`.

    Replicas may start at once: one upgrades, the others wait and find it done. `connections` bounds
    those to a database server; a file has its own numbers. Raises CannotStart when the database
    cannot be used.
    """
    database = await _opened(_parsed(url), migrations, connections)
    try:
        yield database
    finally:
        await database.close()


def insert_new(connection: Connection, table: Table, **values: object) -> bool:
    """Insert one row; False, and nothing is changed, when a row with its key exists.

    Waits for another transaction that has inserted the key and not yet ended.
    """
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")  # each has an ON CONFLICT of its own
    statement = dialect.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return bool(connection.execute(statement, values).rowcount == 1)


async def _opened(url: URL, migrations: Path, connections: int) -> TwoLanes:
    if url.get_backend_name() == "sqlite":
        from services.hosting import sqlite  # noqa: PLC0415  # a process loads the one it uses

        file = _file(url)
        await sqlite.prepare(file, migrations)
        return TwoLanes(*sqlite.lanes(file))
    from services.hosting import postgresql  # noqa: PLC0415  # see above

    await postgresql.prepare(url, migrations)
    return TwoLanes(*postgresql.lanes(url, connections))


def _file(url: URL) -> Path:
    return Path(url.database or "").absolute()


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
