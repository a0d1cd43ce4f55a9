"""`python -m services.reporter` as a process, before a real shop: what it prints and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shop.orders.v1 import orders_pb2

from tests.hosting.running import FakeClock
from tests.orders.shop import Shop, order_of, shop_without_orders

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop_without_orders(tmp_path) as shop, shop.replica():
        yield shop


async def reporter(address: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a report of the orders at `address`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.reporter", *arguments),
        cwd=CHECKOUT,
        env=os.environ | ({"ORDERS_SERVICE_ADDR": address} if address else {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_yesterdays_sales_are_reported_and_end_with_0(tmp_path: Path) -> None:
    clock = FakeClock(began=datetime.now(UTC) - timedelta(days=1))
    async with shop_without_orders(tmp_path) as shop, shop.replica(clock):
        order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
        await shop.orders.PlaceOrder(order_of(("rope", 2), ("mug", 3)))
        await shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
        code, out, _ = await reporter(shop.relay_address, "--json")
    (mug, rope, day) = map(json.loads, out.splitlines())
    assert code == 0
    assert (mug["units"], mug["revenue"], mug["returned"], mug["refunded"]) == (3, "37.50", 1, "12.50")
    assert (rope["units"], rope["revenue"]) == (2, "64.00")
    assert day["orders"] == {"sold": 1, "returned": 1, "failed": 0, "unfinished": 0}


async def test_only_the_days_asked_for_are_reported(shop: Shop) -> None:
    await shop.orders.PlaceOrder(order_of(("mug", 1)))
    code, out, _ = await reporter(shop.relay_address, "--day", "2020-02-29", "--days", "2")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("Sales")] == [
        "Sales of 2020-02-28 (UTC)",
        "Sales of 2020-02-29 (UTC)",
    ]
    assert out.count("orders: 0 sold") == 2


async def test_settings_that_are_missing_end_with_2_and_are_named() -> None:
    code, out, err = await reporter("")
    assert (code, out, err.split()[0]) == (2, "", "ORDERS_SERVICE_ADDR")


@pytest.mark.parametrize("arguments", [("--jsn",), ("--day", "yesterday"), ("--days", "0"), ("--days", "367")])
async def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert (await reporter("127.0.0.1:1", *arguments))[0] == 2


async def test_help_gives_examples() -> None:
    code, out, _ = await reporter("", "--help")
    assert (code, out.count("python -m services.reporter")) == (0, 4)


async def test_orders_that_cannot_be_read_end_with_3_and_say_why() -> None:
    code, out, err = await reporter("127.0.0.1:1")
    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith("no report: orders: UNAVAILABLE")
