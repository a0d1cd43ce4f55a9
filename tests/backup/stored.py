"""What pods have stored, as tests need it: databases as services keep them, below a state folder's volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection, connect

from mesh.backup.snapshot import databases
from mesh.local.state_folder import StateFolder

BOOKS = ("orders", "payments")


class Silent:
    """Progress that nobody sees."""

    def now(self, text: str) -> None:
        pass

    def done(self, text: str) -> None:
        pass


def place(folder: StateFolder, service: str) -> Path:
    return folder.volumes / "shop" / f"{service}-data" / f"{service}.db"


@contextmanager
def opened(file: Path) -> Iterator[Connection]:
    """A database as a service has it open: with a write-ahead log that nobody has emptied."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(connect(file, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE IF NOT EXISTS book (line INTEGER)")
        yield connection


def write(folder: StateFolder, **lines: int) -> None:
    """Let each service's book hold this one line; a service that has gone leaves no log behind."""
    for service, line in lines.items():
        with opened(place(folder, service)) as connection:
            connection.execute("DELETE FROM book")
            connection.execute("INSERT INTO book VALUES (?)", [line])


def last_line(file: Path) -> int:
    with closing(connect(file)) as connection:
        (line,) = connection.execute("SELECT coalesce(max(line), 0) FROM book").fetchone()
        return int(line)


def lines(volumes: Path) -> Mapping[str, int]:
    """The last line of every book below `volumes`, by service."""
    return {file.stem: last_line(file) for file in databases(volumes)}
