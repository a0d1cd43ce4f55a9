"""Nobody pays another price than the one they were shown; who is told so, is told both."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from shop.money.v1.money_pb2 import Money
from shop.orders.v1 import orders_pb2

from services.orders.money import written
from tests.hosting.running import blamed, info, reason
from tests.orders.refusal import refusal
from tests.orders.shop import Shop, order_of

TODAY = Money(currency_code="EUR", units=12, nanos=500_000_000)


def shown(*prices: Money | None) -> orders_pb2.PlaceOrderRequest:
    """An order of a mug and, where there are two prices, a rope; None: nothing was shown."""
    request = order_of(*[("mug", 1), ("rope", 1)][: len(prices)])
    for line, price in zip(request.lines, prices, strict=True):
        if price is not None:
            line.unit_price.CopyFrom(price)
    return request


async def test_the_price_that_was_shown_is_the_price_paid(shop: Shop) -> None:
    for request in (shown(TODAY), shown(None)):
        order = (await shop.orders.PlaceOrder(request)).order
        assert (order.lines[0].unit_price, order.total) == (TODAY, TODAY)


async def test_another_price_by_now_orders_nothing_and_names_both(shop: Shop) -> None:
    error = await refusal(shop, shown(Money(currency_code="EUR", units=11)))
    assert (error.code(), reason(error)) == (StatusCode.FAILED_PRECONDITION, "PRICE_CHANGED")
    assert blamed(error) == ["lines[0].unit_price"]
    assert dict(info(error).metadata) == {
        "product_id": "mug",
        "currency_code": "EUR",
        "old_price": "11",
        "new_price": "12.50",
    }
    assert error.details() == "mug costs EUR 12.50 now, not 11: look at the prices again, then order."
    assert not (await shop.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders
    assert shop.relay.calls["Reserve"] == 0


async def test_the_key_of_a_refused_price_is_good_for_the_new_one(shop: Shop) -> None:
    request = shown(Money(currency_code="EUR", units=13))
    await refusal(shop, request)
    request.lines[0].unit_price.CopyFrom(TODAY)
    assert (await shop.orders.PlaceOrder(request)).order.state == orders_pb2.ORDER_STATE_CONFIRMED


async def test_every_line_with_another_price_is_named(shop: Shop) -> None:
    old = Money(currency_code="EUR", units=1)
    assert blamed(await refusal(shop, shown(None, old))) == ["lines[1].unit_price"]
    assert blamed(await refusal(shop, shown(old, old))) == ["lines[0].unit_price", "lines[1].unit_price"]


async def test_a_price_shown_in_another_currency_is_refused(shop: Shop) -> None:
    error = await refusal(shop, shown(Money(currency_code="JPY", units=12, nanos=500_000_000)))
    assert (error.code(), reason(error)) == (StatusCode.INVALID_ARGUMENT, "CURRENCY_MISMATCH")
    assert blamed(error) == ["lines[0].unit_price.currency_code"]


async def test_the_same_key_with_another_price_is_another_order(shop: Shop) -> None:
    request = shown(None)
    order = (await shop.orders.PlaceOrder(request)).order
    request.lines[0].unit_price.CopyFrom(TODAY)
    assert (await shop.orders.PlaceOrder(request)).order == order
    request.lines[0].unit_price.units += 1
    error = await refusal(shop, request)
    assert (error.code(), blamed(error)) == (StatusCode.ALREADY_EXISTS, ["idempotency_key"])


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (12_500_000_000, "12.50"), (1_500_000_000_000, "1500"), (10_000_000, "0.01"), (1, "0.000000001")],
)
def test_amounts_are_written_as_people_write_them(amount: int, text: str) -> None:
    assert written(amount) == text
