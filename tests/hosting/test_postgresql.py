"""Whatever PostgreSQL does in the middle, a transaction happens once or not at all, and callers may try again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from loadtest.postgresql import Cluster
from services.hosting.database import Database, open_database
from services.hosting.errors import DependencyUnavailable, InvalidRequest
from services.hosting.postgresql import PAUSES, StatementRefused
from tests.hosting.databases import Servers, limited
from tests.hosting.rows import ROWS, add, increase, number

pytestmark = pytest.mark.processes

KILL_OTHERS = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid != pg_backend_pid()"
)


@pytest.fixture
def url(servers: Servers) -> str:
    return servers.url("rows")


@pytest.fixture
async def database(url: str, migrations: Path) -> AsyncIterator[Database]:
    async with open_database(url, migrations) as opened:
        await opened.write(add, "a", 0)
        await opened.write(add, "b", 0)
        yield opened


def increase_blindly(connection: sa.Connection, before_writing: Callable[[], object]) -> None:
    """What a work must not do: write what follows from a row that it has not locked."""
    before = number(connection, "a") or 0
    before_writing()
    connection.execute(ROWS.update().where(ROWS.c.id == "a").values(number=before + 1))


async def test_without_a_lock_an_increase_is_lost(database: Database) -> None:
    """The negative control of test_concurrent_read_modify_write_loses_nothing."""
    both_have_read = threading.Barrier(2, timeout=30)
    await asyncio.gather(*(database.write(increase_blindly, both_have_read.wait) for _ in range(2)))
    assert await database.read(number, "a") == 1


async def test_transactions_that_wait_for_each_other_in_a_circle_all_end(url: str, migrations: Path) -> None:
    both_hold_one = threading.Barrier(2, timeout=30)
    runs = []

    def increase_both(connection: sa.Connection, first: str, second: str) -> None:
        runs.append(first)
        increase(connection, first)
        if len(runs) <= 2:
            both_hold_one.wait()
        increase(connection, second)

    async with open_database(limited(url, "-c deadlock_timeout=10ms"), migrations) as database:
        await database.write(add, "a", 0)
        await database.write(add, "b", 0)
        await asyncio.gather(database.write(increase_both, "a", "b"), database.write(increase_both, "b", "a"))
        assert await database.read(lambda connection: [number(connection, key) for key in "ab"]) == [2, 2]
    assert len(runs) == 3


def fails(state: str) -> sa.TextClause:
    return sa.text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")


DIE = sa.text("SELECT pg_terminate_backend(pg_backend_pid())")
BUSY, UNAVAILABLE, EVERY = ("DATABASE_BUSY", 0.1), ("DATABASE_UNAVAILABLE", 0.2), len(PAUSES) + 1


@pytest.mark.parametrize(
    ("statement", "told", "expected_runs"),
    [
        pytest.param(fails("40001"), BUSY, EVERY, id="serialization failure"),
        pytest.param(fails("40P01"), BUSY, EVERY, id="deadlock"),
        pytest.param(DIE, UNAVAILABLE, EVERY, id="connection lost"),
        pytest.param(fails("55P03"), BUSY, 1, id="lock timeout"),
        pytest.param(fails("53100"), UNAVAILABLE, 1, id="disk full"),
        pytest.param(fails("57P03"), UNAVAILABLE, 1, id="cannot connect now"),
        pytest.param(fails("58030"), UNAVAILABLE, 1, id="i/o error"),
    ],
)
async def test_a_transaction_that_fails_every_time_is_unavailable(
    database: Database, statement: sa.TextClause, told: tuple[str, float], expected_runs: int
) -> None:
    runs = []

    def failing(connection: sa.Connection) -> None:
        runs.append(1)
        connection.execute(statement)

    with pytest.raises(DependencyUnavailable) as caught:
        await database.write(failing)
    assert (caught.value.reason, caught.value.retry_in) == told
    assert len(runs) == expected_runs


async def test_who_waits_too_long_for_a_row_is_told_to_try_again(url: str, migrations: Path) -> None:
    locked, done = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(connection: sa.Connection) -> None:
        increase(connection, "a")
        loop.call_soon_threadsafe(locked.set)
        assert done.wait(30)

    async with open_database(limited(url, "-c statement_timeout=100ms"), migrations) as database:
        await database.write(add, "a", 0)
        holding = asyncio.create_task(database.write(hold))
        await locked.wait()
        with pytest.raises(DependencyUnavailable) as caught:
            await database.write(increase, "a")
        done.set()
        await holding
        assert caught.value.reason == "DATABASE_BUSY"
        await database.write(increase, "a")
        assert await database.read(number, "a") == 2


async def test_connections_that_broke_while_idle_are_replaced_unnoticed(database: Database) -> None:
    await asyncio.gather(*(database.read(number, "a") for _ in range(20)))
    await database.write(lambda connection: connection.execute(KILL_OTHERS))
    await asyncio.gather(*(database.write(increase, "a") for _ in range(20)))
    assert await database.read(number, "a") == 20


async def test_a_connection_that_breaks_before_the_commit_costs_nothing(database: Database) -> None:
    runs = []

    def killed_once(connection: sa.Connection) -> None:
        increase(connection, "a")
        runs.append(1)
        if len(runs) == 1:
            connection.execute(DIE)

    await database.write(killed_once)
    assert len(runs) == 2
    assert await database.read(number, "a") == 1


DIE_AT_COMMIT = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON rows DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()
"""


async def test_a_connection_that_breaks_during_the_commit_is_not_tried_again_here(database: Database) -> None:
    """Nobody knows whether it was committed; here it was not."""
    await database.write(lambda connection: connection.execute(sa.text(DIE_AT_COMMIT)))
    runs = []

    def dying(connection: sa.Connection) -> None:
        runs.append(1)
        increase(connection, "a")

    with pytest.raises(DependencyUnavailable) as caught:
        await database.write(dying)
    assert (caught.value.reason, caught.value.retry_in) == ("DATABASE_UNAVAILABLE", 0.2)
    assert len(runs) == 1
    assert await database.read(number, "a") == 0


async def test_a_server_that_is_away_is_unavailable_until_it_is_back(database: Database, cluster: Cluster) -> None:
    cluster.stop()
    try:
        for call in (database.write(increase, "a"), database.read(number, "a")):
            with pytest.raises(DependencyUnavailable) as caught:
                await call
            assert caught.value.reason == "DATABASE_UNAVAILABLE"
    finally:
        cluster.start()
    await database.write(increase, "a")
    assert await database.read(number, "a") == 1


async def test_after_a_failover_writers_leave_the_standby(database: Database) -> None:
    def fail_over(connection: sa.Connection) -> None:
        connection.execute(sa.text("SET SESSION default_transaction_read_only = on"))

    await asyncio.gather(*(database.write(fail_over) for _ in range(8)))
    await asyncio.gather(*(database.write(increase, "a") for _ in range(20)))
    assert await database.read(number, "a") == 20


async def test_a_reader_has_one_view_and_writes_nothing(database: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(connection: sa.Connection) -> tuple[int | None, int | None]:
        before = number(connection, "a")
        asyncio.run_coroutine_threadsafe(database.write(increase, "a"), loop).result(30)
        return before, number(connection, "a")

    assert await database.read(twice) == (0, 0)
    with pytest.raises(StatementRefused, match="25006"):
        await database.read(add, "c", 1)


async def test_text_that_postgresql_cannot_hold_is_the_caller_s_mistake(database: Database) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await database.write(add, "a\0b", 1)
    assert caught.value.reason == "TEXT_INVALID"


async def test_a_row_that_is_refused_is_not_told(database: Database) -> None:
    def refused(connection: sa.Connection) -> None:
        connection.execute(sa.text("ALTER TABLE rows ADD CONSTRAINT few CHECK (number < 9)"))
        connection.execute(ROWS.insert(), {"id": "s3cret", "number": 4711})

    with pytest.raises(StatementRefused) as caught:
        await database.write(refused)
    assert str(caught.value) == '23514 new row for relation "rows" violates check constraint "few" (few)'


async def test_a_process_takes_no_more_connections_than_it_is_given(url: str, migrations: Path) -> None:
    count = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    async with open_database(url, migrations, connections=3) as database:
        await database.write(add, "a", 0)
        calls = [call for _ in range(30) for call in (database.write(increase, "a"), database.read(number, "a"))]
        await asyncio.gather(*calls)
        assert await database.read(lambda connection: connection.execute(count).scalar_one()) <= 3
        assert await database.read(number, "a") == 30
