"""Several replicas, one database: orders are taken over once, when their lease is over, and watched from anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2
from sqlalchemy import text

from services.orders.recovery import AT_ONCE
from tests.hosting.databases import engine
from tests.hosting.running import FakeClock, reason
from tests.orders.relay import Held, refuse
from tests.orders.shop import Shop, order_of

LEASE = 10.0


@dataclass
class RecoveryClock(FakeClock):
    """The clock of a replica that nobody calls: only its recovery reads it, once to begin a round."""

    awaited: int = 0
    read: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        self.awaited -= 1
        if self.awaited < 0:
            self.read.set()
        return super().now()

    async def rounds(self, count: int) -> None:
        """Wait until so many rounds have begun and ended."""
        self.awaited = count
        self.read.clear()
        await self.read.wait()


async def fail(shop: Shop, count: int) -> None:
    """Place orders whose stock is committed by nobody; one by one: together they may be too much for a busy machine."""
    with shop.relay.every("Commit", refuse(StatusCode.PERMISSION_DENIED)):
        for _ in range(count):
            with pytest.raises(AioRpcError) as caught:
                await shop.orders.PlaceOrder(order_of(("mug", 1)))
            assert reason(caught.value) == "ORDER_PENDING"


def recoveries(shop: Shop) -> dict[str, int]:
    """How often each order was taken over, by its log."""
    query = text("SELECT order_id, count(*) AS times FROM saga_log WHERE event = 'recover' GROUP BY order_id")
    beside = engine(shop.databases.url("orders"))
    with beside.connect() as connection:
        found = {row.order_id: row.times for row in connection.execute(query)}
    beside.dispose()
    return found


async def test_orders_that_wait_are_recovered_once_each_by_one_of_three_replicas(closed_shop: Shop) -> None:
    clock = FakeClock()
    async with closed_shop.replica(clock, recovery_interval_seconds=0.0):
        await fail(closed_shop, 20)
        clock.advance(LEASE)
        async with closed_shop.replica(clock), closed_shop.replica(clock), closed_shop.replica(clock):
            orders = (await closed_shop.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=100))).orders
            ended = await asyncio.gather(*(closed_shop.final(order.order_id) for order in orders))
            assert {order.state for order in ended} == {orders_pb2.ORDER_STATE_CONFIRMED}
            assert recoveries(closed_shop) == dict.fromkeys((order.order_id for order in orders), 1)
            assert await closed_shop.discrepancies() == []


async def test_an_order_at_work_is_left_alone_until_its_lease_is_over(closed_shop: Shop) -> None:
    charge = Held(after_it_was_done=True)
    clock, other_clock = FakeClock(), RecoveryClock()
    async with (
        closed_shop.replica(clock, recovery_interval_seconds=0.0) as slow,
        closed_shop.replica(other_clock) as other,
    ):
        closed_shop.relay.once("Charge", charge)
        call = slow.PlaceOrder(order_of(("mug", 1)))
        await charge.arrived.wait()
        await other_clock.rounds(6)
        assert recoveries(closed_shop) == {}
        order = await closed_shop.only_order()
        assert order.state == orders_pb2.ORDER_STATE_RESERVED
        clock.advance(LEASE)
        other_clock.advance(LEASE)
        watched = [answer.order.state async for answer in other.WatchOrder(watch(order))]
        assert watched[-1] == orders_pb2.ORDER_STATE_CONFIRMED
        charge.go_on.set()
        with pytest.raises(AioRpcError) as caught:
            await call
        assert reason(caught.value) == "ORDER_IN_PROGRESS"
        assert len(await closed_shop.payments_of(order.order_id)) == 1
        assert await closed_shop.discrepancies() == []


def watch(order: orders_pb2.Order) -> orders_pb2.WatchOrderRequest:
    return orders_pb2.WatchOrderRequest(order_id=order.order_id)


@contextmanager
def nothing_can_be_written(shop: Shop) -> Iterator[None]:
    """Orders can be read while the block runs, and no new version of one be written."""
    beside = engine(shop.databases.url("orders"))

    def rename(before: str, after: str) -> None:
        with beside.begin() as connection:
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

    rename("saga_log", "elsewhere")
    try:
        yield
    finally:
        rename("elsewhere", "saga_log")
        beside.dispose()


async def test_a_recovery_that_cannot_take_any_order_waits_before_it_looks_again(
    closed_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    async with closed_shop.replica(clock, recovery_interval_seconds=0.0):
        await fail(closed_shop, AT_ONCE)
    clock.advance(LEASE)
    caplog.clear()
    with nothing_can_be_written(closed_shop):
        async with closed_shop.replica(clock, recovery_interval_seconds=3600.0) as orders:
            while len(caplog.records) < AT_ONCE:
                await asyncio.sleep(0.01)  # polling, bounded by the test's timeout
            for _ in range(50):
                await orders.ListOrders(orders_pb2.ListOrdersRequest())
            assert [record.message for record in caplog.records] == ["recovery of an order failed"] * AT_ONCE
