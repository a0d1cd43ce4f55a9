"""A SQLite file that is locked, missing or something else says so."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from services.hosting.database import open_database
from services.hosting.errors import CannotStart, DependencyUnavailable
from tests.hosting.rows import add


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/data/rows.db"


async def test_a_file_locked_by_another_process_is_unavailable_and_may_be_tried_again(
    url: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.hosting.sqlite.BUSY_TIMEOUT", 0.05)
    async with open_database(url, migrations) as database:
        other = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(DependencyUnavailable) as caught:
                await database.write(add, "a", 1)
        finally:
            other.close()
        assert (caught.value.reason, caught.value.retry_in) == ("DATABASE_BUSY", 0.1)
        assert await database.write(add, "a", 1)


async def test_a_file_that_is_no_database_says_so(url: str, tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.db").write_bytes(b"something else" * 100)
    with pytest.raises(CannotStart, match="not a database"):
        async with open_database(url, migrations):
            pass


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite+aiosqlite:////proc/nowhere/rows.db", "DATABASE_URL: /proc/nowhere/rows.db cannot be used: "),
        ("sqlite+aiosqlite:///", "DATABASE_URL: sqlite"),
        ("sqlite+aiosqlite:///:memory:", "DATABASE_URL: sqlite"),
        ("postgresql+asyncpg://shop:s3cret@db/shop", "DATABASE_URL: postgresql"),
        ("postgresql+psycopg://shop:s3cret@db", "DATABASE_URL: postgresql"),
        ("s3cret", "DATABASE_URL is not a database URL"),
    ],
)
async def test_a_url_that_cannot_be_used_says_why_and_no_password(url: str, problem: str, migrations: Path) -> None:
    with pytest.raises(CannotStart, match=problem) as caught:
        async with open_database(url, migrations):
            pass
    assert "s3cret" not in str(caught.value)


async def test_a_service_on_a_file_does_not_load_what_postgresql_needs(url: str, migrations: Path) -> None:
    async with open_database(url, migrations):
        pass  # making a schema loads Alembic, which loads everything
    program = "import asyncio, sys; from pathlib import Path; from services.hosting.database import open_database\n"
    program += "async def main():\n    async with open_database(sys.argv[1], Path(sys.argv[2])):\n"
    program += "        assert not any('postgresql' in name or 'psycopg' in name for name in sys.modules)\n"
    program += "asyncio.run(main())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, str(migrations))
    assert await process.wait() == 0
