"""`python -m services.auditor` as a process, before a real shop: what it prints and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from shop.inventory.v1 import inventory_pb2
from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from tests.orders.shop import GOOD_CARD, Shop, card_of, order_of, shop_without_orders

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]
STRANGER = str(uuid.uuid4())


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop_without_orders(tmp_path) as shop, shop.replica():
        yield shop


async def auditor(address: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of an audit of the books at `address`."""
    names = ("ORDERS_SERVICE_ADDR", "PAYMENTS_SERVICE_ADDR", "INVENTORY_SERVICE_ADDR")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.auditor", *arguments),
        cwd=CHECKOUT,
        env=os.environ | (dict.fromkeys(names, address) if address else {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_sound_books_end_with_0(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    await shop.orders.PlaceOrder(order_of(("rope", 2)))
    await shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
    code, out, _ = await auditor(shop.relay_address, "--json")
    report = json.loads(out)
    assert (code, report["verdict"], report["discrepancies"]) == (0, "clean", [])
    assert report["orders"] == {"total": 2, "CANCELLED": 1, "CONFIRMED": 1}
    assert report["payments"] == {"total": 2, "CHARGED": 1, "REFUNDED": 1}


async def test_a_shop_without_orders_is_said_to_be_one(shop: Shop) -> None:
    code, out, _ = await auditor(shop.relay_address)
    assert (code, out.splitlines()[-1]) == (0, "no discrepancy, but there are no orders: nothing is proved")


async def test_discrepancies_end_with_1_and_name_what_they_concern(shop: Shop) -> None:
    await shop.payments.Charge(
        payments_pb2.ChargeRequest(
            idempotency_key=STRANGER,
            order_id=STRANGER,
            amount=money_pb2.Money(currency_code="EUR", units=5),
            card=card_of(GOOD_CARD),
        )
    )
    await shop.inventory.Reserve(
        inventory_pb2.ReserveRequest(
            reservation_id=STRANGER,
            order_id=STRANGER,
            lines=[inventory_pb2.StockLine(product_id="mug", quantity=1)],
        )
    )
    code, out, _ = await auditor(shop.relay_address)
    assert code == 1
    assert f"CHARGE_WITHOUT_ORDER: EUR 5 charged; order_id {STRANGER}, charge_idempotency_key {STRANGER}" in out
    assert f"RESERVATION_WITHOUT_ORDER: HELD, but there is no such order; order_id {STRANGER}" in out


async def test_books_longer_than_a_page_are_read_to_the_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.auditor.reading.PAGE_SIZE", 2)
    await asyncio.gather(*(shop.orders.PlaceOrder(order_of(("mug", 1))) for _ in range(5)))
    assert await shop.discrepancies() == []
    assert shop.relay.calls["Charge"] == 5


async def test_settings_that_are_missing_end_with_2_and_are_all_named() -> None:
    code, out, err = await auditor("")
    assert (code, out) == (2, "")
    assert {line.split()[0] for line in err.splitlines()} == {
        "ORDERS_SERVICE_ADDR",
        "PAYMENTS_SERVICE_ADDR",
        "INVENTORY_SERVICE_ADDR",
    }


async def test_an_unknown_option_ends_with_2() -> None:
    assert (await auditor("127.0.0.1:1", "--jsn"))[0] == 2


async def test_books_that_cannot_be_read_end_with_3_and_name_whose() -> None:
    code, out, _ = await auditor("127.0.0.1:1", "--settle", "0")
    assert code == 3
    assert out.startswith("the books cannot be read: orders: UNAVAILABLE")
