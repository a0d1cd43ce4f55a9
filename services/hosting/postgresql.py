"""How is a PostgreSQL server used? By many pods at once, over connections that can break at any moment.

Transactions that write are READ COMMITTED: works lock what they change (database.py says how), and
on a row that many want they wait for each other in a queue. SERIALIZABLE would need no locks, but
undoes all of them but one: up to 18 runs of one transaction where eight sell the same product
(docs/decisions/0018-postgresql.md). Transactions that read are REPEATABLE READ, on one view.

A transaction is run again, a few times, when it has certainly come to nothing: the server has undone
it (a deadlock), or its connection broke before the commit was asked for. When it breaks during the
commit, nobody knows; the caller is told UNAVAILABLE and tries again with the same key.

https://www.postgresql.org/docs/current/errcodes-appendix.html names the states below.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, func, select, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from services.hosting import schema
from services.hosting.errors import CannotStart, DependencyUnavailable, InvalidRequest
from services.hosting.lanes import Lane
from services.hosting.schema import Change, Seed
from services.hosting.starting import NotYet, patiently

PAUSES = (0.005, 0.02, 0.08)  # seconds, at most, before a transaction is run again

SERVER_LIMITS = "-c statement_timeout=5s -c idle_in_transaction_session_timeout=10s"
"""Nobody waits longer for a statement, and a pod that is frozen amid a transaction keeps its locks no longer."""

CONNECTING = {
    "connect_timeout": 3,  # seconds
    "keepalives_idle": 5,  # seconds of silence, then
    "keepalives_interval": 2,  # seconds between
    "keepalives_count": 3,  # probes: a server whose machine is gone is given up after 11 seconds
    "tcp_user_timeout": 10_000,  # milliseconds until sent bytes must be acknowledged
}
"""https://www.postgresql.org/docs/current/libpq-connect.html; the URL may say otherwise."""

SCHEMA_LOCK = int.from_bytes(b"argosy")  # any number that nobody else locks in this database
MIGRATION_LIMITS = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
ALTER_WAITS = "SET LOCAL lock_timeout = '5s'"  # while an ALTER TABLE waits for a reader, all others wait behind it

UNDONE = frozenset({"40001", "40P01"})  # serialization failure, deadlock
IN_THE_WAY = UNDONE | {"55P03", "57014"}  # lock timeout, statement timeout
READ_ONLY = "25006"  # the server has become a standby since we connected
DOWN = ("08", "53", "57P", "58")  # connection, resources, shutdown, the server's own machine
BAD_TEXT = frozenset({"", "22021"})  # U+0000, refused by the driver or by the server

T = TypeVar("T")


class StatementRefused(Exception):
    """The server refuses a statement of ours: a bug. Told without the rows that PostgreSQL's own text shows."""

    def __init__(self, state: str, said: str, constraint: str | None) -> None:
        super().__init__(f"{state} {said}" + (f" ({constraint})" if constraint else ""))
        self.state = state


class PatientLane(Lane):
    """A lane that runs a transaction again when it came to nothing for a reason that passes."""

    def transaction(self, work: Callable[[Connection], T]) -> T:
        pauses = iter(PAUSES)
        while True:
            try:
                return self._once(work)
            except DBAPIError as error:
                pause = next(pauses, None) if _passes(error) else None
                if pause is None:
                    raise refusal(error).with_traceback(error.__traceback__) from None
            time.sleep(random.uniform(0, pause))  # noqa: S311  # spreads, hides nothing

    def _once(self, work: Callable[[Connection], T]) -> T:
        try:
            connection = self._engine.connect()
        except OperationalError as error:
            raise _unavailable() from error
        with connection:
            result = work(connection)
            try:
                connection.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _unavailable() from error  # perhaps committed: not to be run again here
                raise
            return result


class Server:
    """The database at `url`."""

    def __init__(self, url: URL) -> None:
        self._url = url

    def lanes(self, connections: int) -> tuple[Lane, Lane]:
        """The lane that writes, and the one that reads; half of the connections each."""
        reads = connections // 2
        writes = connections - reads
        writing = _engine(self._url, writes, isolation_level="READ COMMITTED")
        read_only = {"postgresql_readonly": True}
        reading = _engine(self._url, reads, isolation_level="REPEATABLE READ", execution_options=read_only)
        event.listen(writing, "handle_error", _leave_a_standby)
        return PatientLane(writing, "writer", writes), PatientLane(reading, "reader", reads)

    async def prepare(self, migrations: Path, seed: Seed | None, wait_seconds: float) -> Change:
        """Wait for the server, then upgrade and seed the database, one process at a time. Raises CannotStart."""
        with self._opened() as engine:
            await patiently(partial(_connected, engine), seconds=wait_seconds)
            return await asyncio.to_thread(_establish, engine, migrations, seed)

    async def wait(self, migrations: Path, wait_seconds: float) -> None:
        """Wait for the server, and until somebody else has upgraded the schema. Raises CannotStart."""
        with self._opened() as engine:
            await patiently(partial(_upgraded, engine, migrations), seconds=wait_seconds)

    @contextmanager
    def _opened(self) -> Iterator[Engine]:
        engine = _engine(self._url, 1)
        try:
            yield engine
        except (NotYet, DBAPIError) as error:
            place = f"{self._url.database} at {self._url.host or self._url.query.get('host', 'localhost')}"
            said = error if isinstance(error, NotYet) else _said(error)
            raise CannotStart(f"DATABASE_URL: {place} cannot be used: {said}") from error
        finally:
            engine.dispose()


def refusal(error: DBAPIError) -> Exception:
    """What a failed statement means to whoever asked for it."""
    state = _state(error)
    if state in IN_THE_WAY:
        return DependencyUnavailable("database", reason="DATABASE_BUSY", retry_in=0.1)
    if error.connection_invalidated or state.startswith(DOWN):
        return _unavailable()
    if isinstance(error, DataError) and state in BAD_TEXT:
        return InvalidRequest("TEXT_INVALID", "text must not hold the character U+0000")
    diagnosis = getattr(error.orig, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or type(error.orig).__name__
    return StatementRefused(state, said, getattr(diagnosis, "constraint_name", None))


def _passes(error: DBAPIError) -> bool:
    """Whether the transaction was certainly undone, and may well succeed now."""
    return error.connection_invalidated or _state(error) in UNDONE


def _unavailable() -> DependencyUnavailable:
    return DependencyUnavailable("database", reason="DATABASE_UNAVAILABLE", retry_in=0.2)


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _said(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())


def _connected(engine: Engine) -> None:
    try:
        engine.connect().close()
    except OperationalError as error:
        raise NotYet(_said(error)) from error


def _upgraded(engine: Engine, migrations: Path) -> None:
    try:
        with engine.connect() as connection:
            schema.require(connection, migrations)
    except OperationalError as error:
        raise NotYet(_said(error)) from error


def _establish(engine: Engine, migrations: Path, seed: Seed | None) -> Change:
    with engine.begin() as connection:
        connection.execute(text(MIGRATION_LIMITS))
        connection.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
        connection.execute(text(ALTER_WAITS))
        return schema.establish(connection, migrations, seed)


def _engine(url: URL, connections: int, **options: Any) -> Engine:
    asked = dict(url.query)
    limits = f"{SERVER_LIMITS} {asked.pop('options', '')}".strip()
    # hide_parameters: an error's text goes to the log, rows do not.
    return create_engine(
        url.set(drivername="postgresql+psycopg", query=asked),
        pool_size=connections,
        max_overflow=0,
        connect_args={name: value for name, value in CONNECTING.items() if name not in asked} | {"options": limits},
        use_native_hstore=False,  # or each connection asks for its number
        hide_parameters=True,
        **options,
    )


def _leave_a_standby(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True  # the next connection finds the server that may be written to
