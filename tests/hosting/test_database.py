"""A transaction is all or nothing, whoever is cancelled and however many processes write, on either database."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.hosting.database import Database, open_database
from services.hosting.postgresql import StatementRefused
from tests.hosting.databases import Databases, engine
from tests.hosting.rows import ROWS, add, increase, number, write_revision


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("rows")


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


async def test_an_error_does_not_tell_what_was_written(database: Database) -> None:
    def refused(connection: sa.Connection) -> None:
        connection.execute(ROWS.insert(), {"id": "s3cret", "number": 1})
        connection.execute(ROWS.insert(), {"id": "s3cret", "number": 2})

    with pytest.raises((sa.exc.IntegrityError, StatementRefused)) as caught:
        await database.write(refused)
    assert "s3cret" not in str(caught.value)


CHILD = """
import asyncio, sys
from pathlib import Path
from services.hosting.database import open_database
from tests.hosting.rows import add, increase

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
    beside = engine(url)
    assert sa.inspect(beside).get_table_names() == []
    beside.dispose()


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
