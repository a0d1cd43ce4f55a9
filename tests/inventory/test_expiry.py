"""When a reservation's time has run out, its pieces go back to the others."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from sqlalchemy import Connection, event, text, update

from services.hosting.clock import microseconds
from services.hosting.database import Database
from services.inventory import books, expiry
from services.inventory.expiry import Expirer
from services.inventory.tables import STOCK
from tests.hosting.running import FakeClock
from tests.inventory.asking import reserve, restock, stock
from tests.inventory.balance import all_reservations, imbalances
from tests.inventory.service_process import running


@pytest.fixture
def expirer(database: Database, clock: FakeClock) -> Expirer:
    return Expirer(database, lambda: microseconds(clock.now()), logging.getLogger())


async def test_the_sweep_expires_exactly_what_is_overdue(
    inventory: InventoryServiceStub, expirer: Expirer, clock: FakeClock
) -> None:
    await inventory.Restock(restock(mug=10))
    short, long, committed = reserve(mug=1, hold=10), reserve(mug=2, hold=11), reserve(mug=3, hold=10)
    for asked in (short, long, committed):
        await inventory.Reserve(asked)
    await inventory.Commit(pb.CommitRequest(reservation_id=committed.reservation_id))
    clock.advance(9.999)
    assert await expirer.sweep() == 0
    clock.advance(0.001)
    assert await expirer.sweep() == 1
    reservations = await all_reservations(inventory)
    assert [reservations[asked.reservation_id].state for asked in (short, long, committed)] == [
        pb.RESERVATION_STATE_EXPIRED,
        pb.RESERVATION_STATE_HELD,
        pb.RESERVATION_STATE_COMMITTED,
    ]
    found = await inventory.GetStock(pb.GetStockRequest(product_ids=["mug"]))
    assert list(found.stock) == [stock("mug", available=5, reserved=2, committed=3)]


async def test_many_overdue_reservations_are_swept_by_two_replicas_at_once_and_counted_once(
    inventory: InventoryServiceStub, expirer: Expirer, clock: FakeClock, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 7)
    await inventory.Restock(restock(mug=40))
    for _ in range(40):
        await inventory.Reserve(reserve(mug=1, hold=1))
    clock.advance(1)
    await asyncio.gather(expirer.sweep(), expirer.sweep())
    found = await inventory.GetStock(pb.GetStockRequest(product_ids=["mug"]))
    assert list(found.stock) == [stock("mug", available=40)]
    assert imbalances(url) == []


async def test_reservations_whose_pieces_are_missing_are_logged_once_and_stop_no_other(
    inventory: InventoryServiceStub,
    expirer: Expirer,
    clock: FakeClock,
    database: Database,
    *,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def misplace(connection: Connection, *, available: int, reserved: int) -> None:
        connection.execute(
            update(STOCK).where(STOCK.c.product_id == "rope").values(available=available, reserved=reserved)
        )

    monkeypatch.setattr(expiry, "BATCH", 2)
    await inventory.Restock(restock(mug=9, rope=3))
    broken = [reserve(rope=1, hold=hold) for hold in (1, 2, 4)]
    sound = [reserve(mug=1, hold=hold) for hold in (3, 5, 6, 7)]
    for asked in (*broken, *sound):
        await inventory.Reserve(asked)
    await database.write(misplace, available=3, reserved=0)
    clock.advance(7)
    assert await expirer.sweep() == len(sound)
    assert await expirer.sweep() == 0
    told = [vars(record)["reservation_id"] for record in caplog.records if record.levelno == logging.ERROR]
    assert told == [asked.reservation_id for asked in broken]
    await database.write(misplace, available=0, reserved=3)  # somebody has repaired the books
    assert await expirer.sweep() == len(broken)


async def test_a_running_service_sweeps_by_itself(url: str) -> None:
    async with running("inventory", url) as service:
        inventory = InventoryServiceStub(service.channel)
        await inventory.Restock(restock(mug=1))
        asked = reserve(mug=1, hold=1)
        await inventory.Reserve(asked)
        async with asyncio.timeout(30):
            while (await all_reservations(inventory))[asked.reservation_id].state != pb.RESERVATION_STATE_EXPIRED:
                await asyncio.sleep(0.1)  # polling, bounded by the timeout above
        assert (await inventory.Reserve(reserve(mug=1))).reservation.state == pb.RESERVATION_STATE_HELD


EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN (COSTS OFF)"}
PLAN = {
    "sqlite": "SEARCH reservations USING INDEX reservations_to_expire (expires_at<?)",
    "postgresql": "Index Scan using reservations_to_expire on reservations",
}


async def test_the_sweep_reads_only_held_reservations_and_not_the_whole_table(database: Database) -> None:
    plan: list[str] = []

    def explain(connection: Connection) -> str:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # as if the table were long

        @event.listens_for(connection, "before_cursor_execute")
        def explained(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
            plan.extend(row[-1] for row in cursor.execute(f"{EXPLAIN[dialect]} {statement}", parameters).fetchall())

        books.due(connection, 0, 10)
        return PLAN[dialect]

    assert await database.read(explain) in "\n".join(plan)
