"""How are the books of running services copied so that they agree? All as they were at one instant.

An order is written to several databases, one after the other. So every one is locked for writing, which takes until
each transaction under way has ended; then a reader of each fixes what it sees, and all may write again. From the
readers SQLite's backup API copies at leisure (https://sqlite.org/backup.html). Nobody waits longer than for the locks:
when one is not to be had at once, all are let go before the next attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from sqlite3 import SQLITE_BUSY, Connection, DatabaseError, OperationalError, connect

from mesh.backup.problems import StaysBusy

HEADER = b"SQLite format 3\x00"
COMPANIONS = ("-wal", "-shm", "-journal", ".lock")
"""What lies beside a database and is no data of its own: the log is part of what the backup API reads."""

LOCKED_WITHIN = 0.25  # seconds, each
TRY_AGAIN_AFTER = 0.1
GIVE_UP_AFTER = 30.0

Readers = Mapping[Path, Connection]


def databases(volumes: Path) -> list[Path]:
    """Every SQLite database below `volumes`."""
    return [file for file in _files(volumes) if _is_database(file)]


def left_out(volumes: Path) -> list[Path]:
    """What else pods have stored there."""
    known = databases(volumes)
    beside = {file.with_name(file.name + companion) for file in known for companion in COMPANIONS}
    return [file for file in _files(volumes) if file not in beside and file not in known]


@contextmanager
def one_instant(files: Iterable[Path]) -> Iterator[Readers]:
    """A connection to each database, all of which see it as it was at the same instant. Raises StaysBusy."""
    wanted = sorted(files)
    with ExitStack() as stack:
        yield _patiently(lambda: _readers(wanted, stack))


def copy(source: Connection, target: Path) -> None:
    """Write what `source` sees to a new database at `target`."""
    with closing(connect(target)) as written:
        source.backup(written)


def problems(database: Path) -> list[str]:
    """What SQLite finds wrong with a database that nobody uses; nothing when it is whole."""
    with closing(connect(f"{database.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
        except DatabaseError as error:
            return [str(error)]
    return [] if found == ["ok"] else found


class _Busy(Exception):
    """A database is being written to."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self.file = file


def _patiently(attempt: Callable[[], Readers]) -> Readers:
    until = time.monotonic() + GIVE_UP_AFTER
    while True:
        try:
            return attempt()
        except _Busy as busy:
            if time.monotonic() > until:
                raise StaysBusy(busy.file, GIVE_UP_AFTER) from None
        time.sleep(TRY_AGAIN_AFTER)


def _readers(files: Iterable[Path], stack: ExitStack) -> Readers:
    """Readers that outlive the locks. Raises _Busy, and nothing is locked then."""
    with ExitStack() as locks:
        for file in files:
            locks.enter_context(_locked(file))
        return {file: stack.enter_context(_reading(file)) for file in files}


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with closing(connect(file, timeout=LOCKED_WITHIN, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except OperationalError as error:
            if error.sqlite_errorcode & 0xFF != SQLITE_BUSY:
                raise
            raise _Busy(file) from error
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _reading(file: Path) -> Iterator[Connection]:
    with closing(connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the first look fixes what is seen
        yield connection


def _files(volumes: Path) -> list[Path]:
    return sorted(path for path in volumes.rglob("*") if path.is_file() and not path.is_symlink())


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(HEADER)) == HEADER
