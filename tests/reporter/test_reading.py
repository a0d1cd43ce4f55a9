"""Orders are read newest first, back to the first day asked for and no further."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from grpc import aio
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from services.reporter.reading import orders_of
from tests.hosting.running import FakeClock
from tests.orders.relay import Relay
from tests.orders.shop import order_of, shop_without_orders

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(3)]


@dataclass
class Counted:
    """Orders, and how many pages were asked of it."""

    orders: OrdersServiceStub
    relay: Relay

    @property
    def pages(self) -> int:
        return self.relay.calls["ListOrders"]


@pytest.fixture
async def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    """Three orders on each of three days; a page holds two."""
    monkeypatch.setattr("services.reporter.reading.PAGE_SIZE", 2)
    clock = FakeClock()
    async with shop_without_orders(tmp_path) as shop, shop.replica(clock):
        for _ in DAYS:
            for _ in range(3):
                await shop.orders.PlaceOrder(order_of(("mug", 1)))
            clock.advance(86_400)
        async with aio.insecure_channel(shop.relay_address) as channel:
            yield Counted(OrdersServiceStub(channel), shop.relay)


async def test_the_newest_day_costs_the_pages_it_has_and_no_more(counted: Counted) -> None:
    found = await orders_of(counted.orders, DAYS[2:])
    assert (len(found), counted.pages) == (3, 2)
    assert {order.create_time.ToDatetime().date() for order in found} == {DAYS[2]}


async def test_newer_orders_are_passed_over(counted: Counted) -> None:
    found = await orders_of(counted.orders, DAYS[1:2])
    assert {order.create_time.ToDatetime().date() for order in found} == {DAYS[1]}
    assert (len(found), counted.pages) == (3, 4)


async def test_the_first_day_is_read_to_the_end_of_the_list(counted: Counted) -> None:
    assert len(await orders_of(counted.orders, DAYS)) == 9
    assert counted.pages == 5


async def test_days_without_orders_have_none(counted: Counted) -> None:
    assert await orders_of(counted.orders, [date(2027, 1, 1)]) == []
    assert counted.pages == 1
