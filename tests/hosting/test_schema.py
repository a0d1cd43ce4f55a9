"""Who changes a database's schema, and who waits for it: SCHEMA and the command `migrate`, on either database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.hosting.database import migrate, open_database
from services.hosting.errors import CannotStart
from services.hosting.schema import Change
from tests.hosting.databases import Databases, engine
from tests.hosting.rows import ROWS, add, number, write_revision

SECOND = 'op.add_column("rows", sa.Column("colour", sa.String))'


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("rows")


def one_row(connection: sa.Connection) -> int:
    return int(add(connection, "seed", 7))


def tables(url: str) -> list[str]:
    beside = engine(url)
    found = sa.inspect(beside).get_table_names()
    beside.dispose()
    return found


async def has_said(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async with asyncio.timeout(30):
        while text not in caplog.text:
            await asyncio.sleep(0.01)  # polling, bounded by the timeout above


async def opens_and_reads(url: str, migrations: Path, *, wait_seconds: float = 60.0) -> int | None:
    async with open_database(url, migrations, migrating=False, wait_seconds=wait_seconds) as database:
        return await database.read(number, "seed")


async def test_migrating_says_from_where_to_where_and_may_be_repeated(url: str, migrations: Path) -> None:
    assert await migrate(url, migrations, seed=one_row) == Change("none", "0001", 1)
    assert await migrate(url, migrations, seed=one_row) == Change("0001", "0001", 0)
    write_revision(migrations, "0002", "0001", SECOND)
    assert await migrate(url, migrations, seed=one_row) == Change("0001", "0002", 0)


async def test_of_two_migrations_at_once_one_waits_and_finds_it_done(url: str, migrations: Path) -> None:
    changes = await asyncio.gather(*(migrate(url, migrations, seed=one_row) for _ in range(2)))
    assert sorted(changes, key=lambda change: change.before, reverse=True) == [
        Change("none", "0001", 1),
        Change("0001", "0001", 0),
    ]


async def test_who_waits_is_served_by_the_migration_and_finds_its_seed(
    url: str, migrations: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = asyncio.create_task(opens_and_reads(url, migrations))
    await has_said(caplog, "waiting for the database")
    await migrate(url, migrations, seed=one_row)
    assert await waiting == 7


async def test_who_waits_changes_nothing_and_gives_up_with_what_to_do(url: str, migrations: Path) -> None:
    write_revision(migrations, "0002", "0001", SECOND)
    with pytest.raises(CannotStart, match="cannot be used: "):
        await opens_and_reads(url, migrations, wait_seconds=0.0)
    assert tables(url) == []


async def test_who_waits_for_a_later_revision_says_which(url: str, migrations: Path) -> None:
    await migrate(url, migrations)
    write_revision(migrations, "0002", "0001", SECOND)
    with pytest.raises(CannotStart, match=r"is at revision 0001, this program needs 0002; the command `migrate`"):
        await opens_and_reads(url, migrations, wait_seconds=0.0)


async def test_without_waiting_a_start_changes_the_schema(url: str, migrations: Path) -> None:
    """The negative control of the tests above."""
    write_revision(migrations, "0002", "0001", SECOND)
    async with open_database(url, migrations):
        pass
    assert set(tables(url)) == {"alembic_version", "rows"}


async def test_who_waits_is_served_by_a_newer_schema(
    url: str, migrations: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_revision(migrations, "0002", "0001", SECOND)
    await migrate(url, migrations, seed=one_row)
    (migrations / "versions" / "0002.py").unlink()
    assert await opens_and_reads(url, migrations, wait_seconds=0.0) == 7
    assert "the schema is newer than this program" in caplog.text


async def test_a_seed_that_fails_leaves_the_schema_as_it_was(url: str, migrations: Path) -> None:
    def fails(connection: sa.Connection) -> int:
        connection.execute(ROWS.insert(), {"id": "a", "number": 1})
        raise KeyError("in the seed")

    with pytest.raises(KeyError):
        await migrate(url, migrations, seed=fails)
    assert tables(url) == []
