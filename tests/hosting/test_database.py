"""A transaction is all or nothing, whoever is cancelled and however many processes write."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.hosting.database import Database, insert_new, open_database
from services.hosting.errors import CannotStart, DependencyUnavailable

REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}


def upgrade():
    {step}
"""
ROWS = sa.Table("rows", sa.MetaData(), sa.Column("id", sa.String, primary_key=True), sa.Column("number", sa.Integer))


def add(connection: sa.Connection, key: str, number: int) -> bool:
    return insert_new(connection, ROWS, id=key, number=number)


def increase(connection: sa.Connection, key: str) -> None:
    number = connection.execute(sa.select(ROWS.c.number).where(ROWS.c.id == key)).scalar_one()
    connection.execute(ROWS.update().where(ROWS.c.id == key).values(number=number + 1))


def number(connection: sa.Connection, key: str) -> int | None:
    return connection.execute(sa.select(ROWS.c.number).where(ROWS.c.id == key)).scalar_one_or_none()


def write_revision(migrations: Path, revision: str, before: str | None, step: str) -> None:
    folder = migrations / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{revision}.py").write_text(REVISION.format(revision=revision, before=repr(before), step=step))


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    columns = 'sa.Column("id", sa.String, primary_key=True), sa.Column("number", sa.Integer)'
    write_revision(tmp_path / "migrations", "0001", None, f'op.create_table("rows", {columns})')
    return tmp_path / "migrations"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/data/rows.db"


@pytest.fixture
async def database(url: str, migrations: Path) -> AsyncIterator[Database]:
    async with open_database(url, migrations) as opened:
        yield opened


async def test_what_is_written_is_read_and_outlives_the_process(url: str, migrations: Path) -> None:
    async with open_database(url, migrations) as database:
        assert await database.write(add, "a", 1)
    async with open_database(url, migrations) as database:
        assert await database.read(number, "a") == 1


async def test_a_key_is_inserted_once(database: Database) -> None:
    assert await database.write(add, "a", 1)
    assert not await database.write(add, "a", 2)
    assert await database.read(number, "a") == 1


async def test_what_a_work_raises_rolls_everything_back(database: Database) -> None:
    def fail(connection: sa.Connection) -> None:
        add(connection, "a", 1)
        raise KeyError("after the insert")

    with pytest.raises(KeyError):
        await database.write(fail)
    assert await database.read(number, "a") is None


async def test_concurrent_read_modify_write_loses_nothing(database: Database) -> None:
    await database.write(add, "a", 0)
    await asyncio.gather(*(database.write(increase, "a") for _ in range(50)))
    assert await database.read(number, "a") == 50


async def test_a_cancelled_caller_leaves_no_half_transaction(database: Database) -> None:
    await database.write(add, "a", 0)
    await database.write(add, "b", 0)

    def both(connection: sa.Connection) -> None:
        increase(connection, "a")
        increase(connection, "b")

    tasks = [asyncio.create_task(database.write(both)) for _ in range(20)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    a, b = await database.read(lambda connection: [number(connection, key) for key in "ab"])
    assert a == b


async def test_readers_do_not_wait_for_the_writer(database: Database) -> None:
    await database.write(add, "a", 1)
    reading, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: sa.Connection) -> None:
        increase(connection, "a")
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result(30)

    writing = asyncio.create_task(database.write(slow))
    await reading.wait()
    assert await database.read(number, "a") == 1
    done.set()
    await writing
    assert await database.read(number, "a") == 2


async def test_a_file_locked_by_another_process_is_unavailable_and_may_be_tried_again(
    url: str, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.hosting.database.BUSY_TIMEOUT", 0.05)
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


async def test_an_error_does_not_tell_what_was_written(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        await database.write(lambda c: c.execute(sa.text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "s3cret"}))
    assert "s3cret" not in str(caught.value)


CHILD = """
import asyncio, sys
from pathlib import Path
from tests.hosting.test_database import add, increase, open_database

async def main(url, migrations):
    async with open_database(url, Path(migrations)) as database:
        await database.write(add, "a", 0)
        await asyncio.gather(*(database.write(increase, "a") for _ in range(40)))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_start_at_once_make_one_schema_and_lose_no_write(url: str, migrations: Path) -> None:
    command = [sys.executable, "-c", CHILD, url, str(migrations)]
    started = [await asyncio.create_subprocess_exec(*command, env=dict(os.environ)) for _ in range(4)]
    assert [await process.wait() for process in started] == [0] * 4
    async with open_database(url, migrations) as database:
        assert await database.read(number, "a") == 160


async def test_a_newer_revision_upgrades_and_keeps_the_rows(url: str, migrations: Path) -> None:
    async with open_database(url, migrations) as database:
        await database.write(add, "a", 1)
    write_revision(migrations, "0002", "0001", 'op.add_column("rows", sa.Column("colour", sa.String))')
    async with open_database(url, migrations) as database:
        row = await database.read(lambda c: c.execute(sa.text("SELECT id, number, colour FROM rows")).one())
    assert tuple(row) == ("a", 1, None)


async def test_a_revision_that_fails_changes_nothing(url: str, migrations: Path) -> None:
    write_revision(
        migrations, "0002", "0001", 'op.create_table("more", sa.Column("id", sa.String)); raise ValueError("stop")'
    )
    with pytest.raises(ValueError, match="stop"):
        async with open_database(url, migrations):
            pass
    with sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == []
    connection.close()


async def test_a_schema_newer_than_the_program_is_used_with_a_warning(
    url: str, migrations: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_revision(migrations, "0002", "0001", 'op.add_column("rows", sa.Column("colour", sa.String))')
    async with open_database(url, migrations):
        pass
    (migrations / "versions" / "0002.py").unlink()
    async with open_database(url, migrations) as database:
        assert await database.write(add, "a", 1)
    assert "the schema is newer than this program" in caplog.text


async def test_a_current_schema_is_opened_without_alembic(url: str, migrations: Path) -> None:
    async with open_database(url, migrations):
        pass
    program = "import asyncio, sys; from pathlib import Path; from services.hosting.database import open_database\n"
    program += "async def main():\n    async with open_database(sys.argv[1], Path(sys.argv[2])):\n"
    program += "        assert not any(name.startswith('alembic') for name in sys.modules)\nasyncio.run(main())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, str(migrations))
    assert await process.wait() == 0


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite+aiosqlite:////proc/nowhere/rows.db", "DATABASE_URL: /proc/nowhere/rows.db cannot be used: "),
        ("sqlite+aiosqlite:///", "DATABASE_URL: sqlite"),
        ("sqlite+aiosqlite:///:memory:", "DATABASE_URL: sqlite"),
        ("postgresql+asyncpg://shop:s3cret@db/shop", "DATABASE_URL: postgresql"),
        ("s3cret", "DATABASE_URL is not a database URL"),
    ],
)
async def test_a_database_that_cannot_be_used_says_why_and_no_password(
    url: str, problem: str, migrations: Path
) -> None:
    with pytest.raises(CannotStart, match=problem) as caught:
        async with open_database(url, migrations):
            pass
    assert "s3cret" not in str(caught.value)


async def test_a_file_that_is_no_database_says_so(url: str, tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.db").write_bytes(b"something else" * 100)
    with pytest.raises(CannotStart, match="not a database"):
        async with open_database(url, migrations):
            pass
