"""An order is not lost for want of a price: a price at most 30 s old is taken, and said to be old (decision 0010)."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2

from tests.orders.relay import refuse
from tests.orders.shop import Shop, order_of

pytestmark = pytest.mark.processes


async def placed(shop: Shop, *lines: tuple[str, int]) -> tuple[orders_pb2.Order, str]:
    """The order, and which services it was placed without."""
    call = shop.orders.PlaceOrder(order_of(*lines), timeout=10.0)
    response = await call
    trailers = {str(name): str(value) for name, value in await call.trailing_metadata()}
    return response.order, trailers.get("argosy-degraded", "")


async def test_without_catalog_the_last_prices_are_taken_and_said_to_be_old(shop: Shop) -> None:
    fresh, before = await placed(shop, ("mug", 1))
    with shop.relay.every("BatchGetProducts", refuse()):
        order, degraded = await placed(shop, ("mug", 1))
    assert (before, degraded) == ("", "catalog")
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert order.total == fresh.total
    assert await shop.discrepancies() == []


async def test_prices_are_known_by_product_not_by_basket(shop: Shop) -> None:
    await placed(shop, ("mug", 1))
    await placed(shop, ("rope", 2))
    with shop.relay.every("BatchGetProducts", refuse()):
        order, degraded = await placed(shop, ("rope", 1), ("mug", 1))
    assert (degraded, order.total.units, order.total.nanos) == ("catalog", 44, 500_000_000)


async def test_a_price_that_was_never_asked_for_is_not_made_up(shop: Shop) -> None:
    await placed(shop, ("mug", 1))
    with shop.relay.every("BatchGetProducts", refuse()), pytest.raises(AioRpcError) as refused:
        await placed(shop, ("rope", 1))
    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert len((await shop.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders) == 1


async def test_an_old_price_is_taken_if_it_was_shown_and_is_no_reason_to_name_another(shop: Shop) -> None:
    fresh, _ = await placed(shop, ("mug", 1))
    request = order_of(("mug", 1))
    request.lines[0].unit_price.CopyFrom(fresh.lines[0].unit_price)
    with shop.relay.every("BatchGetProducts", refuse()):
        await shop.orders.PlaceOrder(request, timeout=10.0)
        another = order_of(("mug", 1))
        another.lines[0].unit_price.CopyFrom(money_pb2.Money(currency_code="EUR", units=13))
        with pytest.raises(AioRpcError) as refused:
            await shop.orders.PlaceOrder(another, timeout=10.0)
    assert refused.value.code() is StatusCode.UNAVAILABLE
    assert len((await shop.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders) == 2


async def test_an_answer_is_never_replaced_by_an_older_one(shop: Shop) -> None:
    await placed(shop, ("mug", 1))
    with shop.relay.every("BatchGetProducts", refuse(StatusCode.NOT_FOUND)), pytest.raises(AioRpcError) as refused:
        await placed(shop, ("mug", 1))
    assert refused.value.code() is StatusCode.NOT_FOUND


async def test_the_next_answer_of_catalog_is_taken_again(shop: Shop) -> None:
    await placed(shop, ("mug", 1))
    with shop.relay.every("BatchGetProducts", refuse()):
        await placed(shop, ("mug", 1))
    _, degraded = await placed(shop, ("mug", 1))
    assert degraded == ""


async def test_with_resilience_off_there_are_no_old_prices(closed_shop: Shop) -> None:
    async with closed_shop.replica(resilience="off"):
        await placed(closed_shop, ("mug", 1))
        with closed_shop.relay.every("BatchGetProducts", refuse()), pytest.raises(AioRpcError) as refused:
            await placed(closed_shop, ("mug", 1))
    assert refused.value.code() is StatusCode.UNAVAILABLE
