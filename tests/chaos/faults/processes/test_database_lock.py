"""Whoever holds the lock keeps writers out and readers not, and never for longer than he was told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from mesh.chaos.faults.processes import database_lock
from tests.hosting.databases import Databases, engine
from tests.local.scripted import eventually

pytestmark = pytest.mark.processes

SOURCE = Path(database_lock.__file__).read_text()


@pytest.fixture
def url(databases: Databases) -> str:
    """What DATABASE_URL says of a database that has a table."""
    url = databases.url("inventory")
    connected = engine(url)
    with connected.begin() as connection:
        connection.execute(sa.text("CREATE TABLE shelf (pieces INTEGER)"))
    connected.dispose()
    return url


@pytest.fixture
def name(tmp_path: Path) -> str:
    """Nobody else's, as processes are found by it."""
    return f"test-{tmp_path.name}-{os.getpid()}"


def beside(url: str, *words: str) -> str:
    """What the program says, run with a service's variables."""
    return subprocess.run(
        [sys.executable, "-c", SOURCE, *words],
        env={**os.environ, "DATABASE_URL": url},
        check=True,
        capture_output=True,
        text=True,
        timeout=50,
    ).stdout


def held(url: str) -> bool:
    return bool(json.loads(beside(url, "held")))


def pieces(url: str) -> int:
    """What a reader reads."""
    connected = engine(url)
    with connected.connect() as connection:
        found = connection.execute(sa.text("SELECT count(*) FROM shelf")).scalar_one()
    connected.dispose()
    return int(found)


def test_writers_wait_and_readers_do_not_until_it_is_released(url: str, name: str) -> None:
    assert not held(url)
    beside(url, "hold", name, "60")
    assert held(url)
    assert pieces(url) == 0

    beside(url, "release", name)
    beside(url, "release", name)
    eventually(lambda: not held(url))


def test_another_name_releases_nothing(url: str, name: str) -> None:
    beside(url, "hold", name, "60")
    beside(url, "release", f"{name}-other")
    assert held(url)
    beside(url, "release", name)


def test_the_lock_ends_by_itself(url: str, name: str) -> None:
    """When whoever asked for it is dead, and the watchdog, too."""
    beside(url, "hold", name, "0.5")
    eventually(lambda: not held(url))
