"""Which databases do tests run on? Each on both: a SQLite file, and a database of a real PostgreSQL server.

The fixtures are in tests/conftest.py. Every test has databases of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, create_engine, make_url

from loadtest.postgresql import Cluster

SERVICES = Path(__file__).parents[2] / "services"


class Databases(Protocol):
    """Where a test's databases are."""

    def url(self, name: str) -> str:
        """What DATABASE_URL says of the database `name`, which holds no rows when it is first asked for."""

    def written(self) -> bytes:
        """All that they have written to the disk, logs included."""


class Files:
    """SQLite files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, name: str) -> str:
        return f"sqlite+aiosqlite:///{self._folder}/{name}.db"

    def written(self) -> bytes:
        return b"".join(file.read_bytes() for file in self._folder.glob("*.db*"))


class Servers:
    """Databases of a PostgreSQL server."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._names = cluster, dict[str, str]()

    def url(self, name: str) -> str:
        if name not in self._names:
            self._names[name] = self._cluster.create(name, SERVICES / name / "migrations")
        return self._cluster.url(self._names[name])

    def written(self) -> bytes:
        return self._cluster.written()

    def drop(self) -> None:
        """Remove them, whoever is still connected."""
        for name in self._names.values():
            self._cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


def engine(url: str) -> Engine:
    """An engine on the database of a DATABASE_URL, beside the code under test."""
    return create_engine(url.replace("+aiosqlite", ""))


def limited(url: str, limits: str) -> str:
    """The same database with other limits of the server."""
    return make_url(url).update_query_dict({"options": limits}).render_as_string(hide_password=False)
