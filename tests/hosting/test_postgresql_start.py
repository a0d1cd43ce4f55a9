"""A service that starts on PostgreSQL waits for the server, for others' migrations, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from loadtest.postgresql import Cluster
from services.hosting import postgresql
from services.hosting.database import open_database
from services.hosting.errors import CannotStart
from tests.hosting.databases import Servers, engine, limited
from tests.hosting.rows import add, number, write_revision

pytestmark = pytest.mark.processes

FORGET_WHAT_WAS_SEEN = sa.text("SELECT pg_stat_clear_snapshot()")
WAITS_LONG = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    " AND clock_timestamp() - query_start > interval '200 ms'"
)


@pytest.fixture
def url(servers: Servers) -> str:
    return servers.url("rows")


@pytest.fixture
def beside(url: str) -> Iterator[sa.Connection]:
    """A transaction of somebody else."""
    others = engine(url)
    with others.connect() as connection:
        yield connection
    others.dispose()


async def opens(url: str, migrations: Path) -> None:
    async with open_database(url, migrations) as database:
        assert await database.write(add, "a", 1)


async def test_a_start_waits_for_the_server(
    url: str, migrations: Path, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.stop()
    try:
        starting = asyncio.create_task(opens(url, migrations))
        async with asyncio.timeout(30):
            while "waiting for the database" not in caplog.text:
                await asyncio.sleep(0.01)  # polling, bounded by the timeout above
    finally:
        cluster.start()
    await starting


@pytest.mark.parametrize("migrating", [True, False])
async def test_a_start_does_not_wait_for_ever_and_tells_no_password(migrations: Path, migrating: bool) -> None:
    url = "postgresql://shop:s3cret@127.0.0.1:1/shop?password=s3cret"
    with pytest.raises(CannotStart, match=r"DATABASE_URL: shop at 127\.0\.0\.1 cannot be used: .*refused") as caught:
        async with open_database(url, migrations, migrating=migrating, wait_seconds=0.0):
            pass
    assert "s3cret" not in str(caught.value)


async def test_a_start_waits_for_the_migrations_of_another_however_long(
    url: str, migrations: Path, beside: sa.Connection
) -> None:
    beside.execute(sa.select(sa.func.pg_advisory_xact_lock(postgresql.SCHEMA_LOCK)))
    starting = asyncio.create_task(opens(limited(url, "-c statement_timeout=50ms"), migrations))
    try:
        async with asyncio.timeout(30):
            while not beside.execute(WAITS_LONG).scalar_one():
                await asyncio.sleep(0.01)  # polling, bounded by the timeout above
                beside.execute(FORGET_WHAT_WAS_SEEN)
    finally:
        beside.rollback()
    await starting


async def test_a_migration_that_a_reader_keeps_waiting_gives_up_before_all_others_wait_behind_it(
    url: str, migrations: Path, beside: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opens(url, migrations)
    monkeypatch.setattr(postgresql, "ALTER_WAITS", "SET LOCAL lock_timeout = '50ms'")
    write_revision(migrations, "0002", "0001", 'op.add_column("rows", sa.Column("colour", sa.String))')
    assert number(beside, "a") == 1
    try:
        with pytest.raises(CannotStart, match="lock timeout"):
            async with asyncio.timeout(20):
                await opens(url, migrations)
    finally:
        beside.rollback()
    assert sa.inspect(beside).get_columns("rows")[-1]["name"] == "number"


async def test_the_server_is_told_our_limits_beside_those_of_the_url(url: str, migrations: Path) -> None:
    def shown(connection: sa.Connection) -> list[str]:
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "work_mem")
        return [connection.execute(sa.text(f"SHOW {name}")).scalar_one() for name in names]

    async with open_database(limited(url, "-c work_mem=1234kB"), migrations) as database:
        assert await database.read(shown) == ["5s", "10s", "1234kB"]


async def test_connections_notice_a_server_that_is_gone_without_a_word(url: str, migrations: Path) -> None:
    def parameters(connection: sa.Connection) -> dict[str, str]:
        driver: Any = connection.connection.driver_connection
        return dict(driver.info.get_parameters())

    async with open_database(f"{url}&keepalives_idle=7", migrations) as database:
        told = await database.read(parameters)
    expected = postgresql.CONNECTING | {"keepalives_idle": 7}
    assert {name: told.get(name) for name in expected} == {name: str(value) for name, value in expected.items()}


async def test_of_several_servers_the_one_that_answers_is_used(url: str, migrations: Path) -> None:
    alive = sa.make_url(url)
    hosts = {"host": ["/nowhere", str(alive.query["host"])], "target_session_attrs": "read-write"}
    await opens(alive.set(query=hosts).render_as_string(hide_password=False), migrations)
