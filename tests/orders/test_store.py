"""Orders written down and found again, in the schema that the migrations make."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select

from services.hosting.database import Database, open_database
from services.orders import store
from services.orders.__main__ import MIGRATIONS
from services.orders.order import Line, Order, placed
from services.orders.saga import Outcome, Result, Step, after, interrupted
from services.orders.store import Overtaken
from services.orders.tables import METADATA, SAGA_LOG
from tests.hosting.databases import Databases

LEASE = 10_000_000
DONE = Outcome(Result.DONE)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    async with open_database(databases.url("orders"), MIGRATIONS) as database:
        yield database


def an_order(key: str = "key", now: int = 1000) -> Order:
    return placed(
        idempotency_key=key,
        customer_id="jason",
        currency="EUR",
        lines=(Line("mug", 2, 12_500_000_000), Line("rope", 1, 32_000_000_000)),
        owner="orders-a",
        now=now,
        lease=LEASE,
    )


async def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    assert await database.read(differences) == []


async def test_an_order_is_found_as_it_was_written(database: Database) -> None:
    order = an_order()
    assert await database.write(store.add, order)
    assert await database.read(store.get, order.order_id) == order
    assert await database.read(store.by_key, "key") == order
    assert await database.read(store.get, "nobody's") is None


async def test_a_key_is_taken_once(database: Database) -> None:
    first, second = an_order(), an_order()
    assert await database.write(store.add, first)
    assert not await database.write(store.add, second)
    assert await database.read(store.by_key, "key") == first


async def test_only_the_version_after_the_current_one_is_written(database: Database) -> None:
    order = an_order()
    await database.write(store.add, order)
    mine = order.advanced(after(order.progress, Step.RESERVE, DONE), now=2000, lease=LEASE)
    theirs = order.taken("orders-b", interrupted(order.progress), now=2000, lease=LEASE)
    await database.write(store.swap, theirs, "recover")
    with pytest.raises(Overtaken):
        await database.write(store.swap, mine, "reserve done")
    assert await database.read(store.get, order.order_id) == theirs


async def test_every_version_is_in_the_log_and_a_final_one_is_never_recovered(database: Database) -> None:
    order = an_order()
    await database.write(store.add, order)
    for step in (Step.RESERVE, Step.CHARGE, Step.COMMIT):
        order = order.advanced(after(order.progress, step, DONE), now=2000, lease=LEASE)
        await database.write(store.swap, order, f"{step} done")

    def log(connection: Connection) -> list[tuple[int, str, str]]:
        rows = connection.execute(select(SAGA_LOG).order_by(SAGA_LOG.c.version))
        return [(row.version, row.event, row.state) for row in rows]

    assert await database.read(log) == [
        (1, "placed", "PENDING"),
        (2, "reserve done", "RESERVED"),
        (3, "charge done", "CHARGED"),
        (4, "commit done", "CONFIRMED"),
    ]
    assert await database.read(store.lapsed, 10**18, 10) == []


async def test_lapsed_are_unfinished_orders_whose_lease_is_over(database: Database) -> None:
    order, finished = an_order("a"), an_order("b")
    await database.write(store.add, order)
    await database.write(store.add, replace(finished, lease_until=None))
    assert await database.read(store.lapsed, 1000 + LEASE - 1, 10) == []
    assert await database.read(store.lapsed, 1000 + LEASE, 10) == [order]


async def test_pages_part_orders_of_the_same_moment_by_id(database: Database) -> None:
    orders = [an_order(str(number), now=1000 + number // 3) for number in range(7)]
    for order in orders:
        await database.write(store.add, order)
    expected = sorted(orders, key=lambda order: (order.created, order.order_id), reverse=True)
    found: list[Order] = []
    while page := await database.read(
        store.page, "jason", (found[-1].created, found[-1].order_id) if found else None, 2
    ):
        found += page
    assert found == expected


def test_an_order_belongs_to_whoever_took_it_until_its_lease_is_over() -> None:
    order = an_order()
    assert not order.free(now=1000 + LEASE - 1)
    assert order.free(now=1000 + LEASE)
    assert order.left(now=1000).free(now=1000)
    assert not replace(order, lease_until=None, owner=None).free(now=10**18)


def test_the_keys_of_an_order_do_not_change_but_for_another_reservation() -> None:
    order = an_order()
    again = replace(order, version=7, progress=replace(order.progress, reservation=2))
    assert again.charge_key == order.charge_key
    assert again.reservation_id != order.reservation_id
    assert len({order.order_id, order.charge_key, order.reservation_id, again.reservation_id}) == 4


def test_a_service_that_stays_away_is_asked_every_two_seconds_until_it_answers() -> None:
    order, waits = an_order(), []
    for _ in range(7):
        order = order.left(now=0)
        waits.append((order.lease_until or 0) // 1_000_000)
    assert waits == [1, 2, 2, 2, 2, 2, 2]
    assert order.advanced(order.progress, now=0, lease=LEASE).left(now=0).lease_until == 1_000_000
