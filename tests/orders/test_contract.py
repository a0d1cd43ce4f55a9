"""What every RPC of the contract promises, through the real chain, before real services."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2

from services.hosting import paging
from tests.hosting.running import blamed, info, reason
from tests.orders.relay import lose_answer, refuse
from tests.orders.shop import (
    DECLINED_CARD,
    EXPIRED_CARD,
    GOOD_CARD,
    OTHER_GOOD_CARD,
    POOR_CARD,
    Shop,
    card_of,
    order_of,
)

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


async def refusal(call: object) -> AioRpcError:
    with pytest.raises(AioRpcError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_a_placed_order_is_confirmed_paid_and_its_stock_handed_over(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 3), ("rope", 1)))).order
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert order.total == money_pb2.Money(currency_code="EUR", units=69, nanos=500_000_000)
    (payment,) = await shop.payments_of(order.order_id)
    assert (payment.amount, payment.idempotency_key) == (order.total, order.charge_idempotency_key)
    assert ((await shop.stock("mug")).committed, (await shop.stock("rope")).committed) == (3, 1)
    assert await shop.discrepancies() == []


async def test_the_same_key_and_body_again_is_the_same_order(shop: Shop) -> None:
    request = order_of(("mug", 1))
    first = await shop.orders.PlaceOrder(request)
    request.idempotency_key = request.idempotency_key.upper()
    assert await shop.orders.PlaceOrder(request) == first
    assert shop.relay.calls["Charge"] == 1


async def test_the_same_key_with_another_card_is_the_same_order(shop: Shop) -> None:
    request = order_of(("mug", 1))
    first = await shop.orders.PlaceOrder(request)
    request.card.number = OTHER_GOOD_CARD
    assert await shop.orders.PlaceOrder(request) == first


@pytest.mark.parametrize(
    "changed",
    [
        {"customer_id": "medea"},
        {"lines": [orders_pb2.OrderLine(product_id="mug", quantity=2)]},
        {"currency_code": "USD"},
    ],
)
async def test_the_same_key_with_another_body_is_refused(shop: Shop, changed: dict[str, Any]) -> None:
    request = order_of(("mug", 1))
    await shop.orders.PlaceOrder(request)
    error = await refusal(
        shop.orders.PlaceOrder(order_of(("mug", 1), idempotency_key=request.idempotency_key, **changed))
    )
    assert (error.code(), blamed(error)) == (StatusCode.ALREADY_EXISTS, ["idempotency_key"])


@pytest.mark.parametrize(
    ("card", "expected"),
    [(DECLINED_CARD, "CARD_DECLINED"), (POOR_CARD, "INSUFFICIENT_FUNDS"), (EXPIRED_CARD, "CARD_EXPIRED")],
)
async def test_a_refused_card_fails_the_order_and_gives_the_stock_back(shop: Shop, card: str, expected: str) -> None:
    request = order_of(("mug", 1), card=card_of(card))
    error = await refusal(shop.orders.PlaceOrder(request))
    assert (error.code(), reason(error)) == (StatusCode.FAILED_PRECONDITION, expected)
    order = await shop.final((await shop.only_order()).order_id)
    assert (order.state, order.failure_reason) == (orders_pb2.ORDER_STATE_FAILED, expected)
    assert order.failure_explanation == error.details()
    assert (await shop.stock("mug")).available == 100
    assert await shop.discrepancies() == []
    again = await refusal(shop.orders.PlaceOrder(request))
    assert (again.code(), again.details(), reason(again)) == (error.code(), error.details(), expected)


async def test_too_few_pieces_fail_the_order_before_any_charge(shop: Shop) -> None:
    request = order_of(("mug", 1), ("amphora", 2))
    error = await refusal(shop.orders.PlaceOrder(request))
    assert (error.code(), reason(error)) == (StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    assert blamed(error) == ["lines[1].product_id"]
    order = await shop.final((await shop.only_order()).order_id)
    facts = {"order_id": order.order_id, "product_id": "amphora", "requested": "2", "available": "1"}
    assert dict(info(error).metadata) == facts
    assert order.failure_reason == "OUT_OF_STOCK"
    assert order.failure_explanation == error.details()
    assert shop.relay.calls["Charge"] == 0
    again = await refusal(shop.orders.PlaceOrder(request))
    assert (blamed(again), dict(info(again).metadata)) == (blamed(error), facts)
    assert (await shop.stock("mug")).available == 100
    assert await shop.discrepancies() == []


async def test_an_unknown_product_is_named_and_nothing_written_down(shop: Shop) -> None:
    error = await refusal(shop.orders.PlaceOrder(order_of(("mug", 1), ("golden-fleece", 1))))
    assert (error.code(), reason(error)) == (StatusCode.NOT_FOUND, "PRODUCT_NOT_FOUND")
    assert blamed(error) == ["lines[1].product_id"]
    assert not (await shop.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders


@pytest.mark.parametrize("lines", [[("fan", 1)], [("mug", 1), ("fan", 1)]])
async def test_a_currency_that_is_not_the_products_is_refused(shop: Shop, lines: list[tuple[str, int]]) -> None:
    error = await refusal(shop.orders.PlaceOrder(order_of(*lines)))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["currency_code"])


async def test_a_product_named_twice_is_refused(shop: Shop) -> None:
    error = await refusal(shop.orders.PlaceOrder(order_of(("mug", 1), ("rope", 1), ("mug", 2))))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["lines[2].product_id"])


async def test_a_total_that_no_card_can_be_charged_is_refused(shop: Shop) -> None:
    error = await refusal(shop.orders.PlaceOrder(order_of(("palace", 2))))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["lines"])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "mine"}, "idempotency_key"),
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "j" * 65}, "customer_id"),
        ({"lines": []}, "lines"),
        ({"lines": [orders_pb2.OrderLine(product_id=f"p-{n}", quantity=1) for n in range(51)]}, "lines"),
        ({"lines": [orders_pb2.OrderLine(product_id="", quantity=1)]}, "lines[0].product_id"),
        ({"lines": [orders_pb2.OrderLine(product_id="Mug!", quantity=1)]}, "lines[0].product_id"),
        ({"lines": [orders_pb2.OrderLine(product_id="mug", quantity=0)]}, "lines[0].quantity"),
        ({"lines": [orders_pb2.OrderLine(product_id="mug", quantity=-1)]}, "lines[0].quantity"),
        ({"lines": [orders_pb2.OrderLine(product_id="mug", quantity=101)]}, "lines[0].quantity"),
        ({"currency_code": "euro"}, "currency_code"),
        ({"card": None}, "card"),
        ({"card": card_of("4242-4242-4242-4242")}, "card.number"),
        ({"card": card_of(GOOD_CARD, expiry_month=13)}, "card.expiry_month"),
    ],
)
async def test_bad_input_is_refused_by_the_name_of_its_field(shop: Shop, given: dict[str, Any], field: str) -> None:
    error = await refusal(shop.orders.PlaceOrder(order_of(("mug", 1), **given)))
    assert (error.code(), set(blamed(error))) == (StatusCode.INVALID_ARGUMENT, {field})


async def test_an_order_is_read_as_it_was_placed(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 2)))).order
    assert (await shop.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order.order_id))).order == order


async def test_an_order_nobody_placed_is_not_found(shop: Shop) -> None:
    for call in (
        shop.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=UNKNOWN_ID)),
        shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=UNKNOWN_ID)),
        shop.orders.WatchOrder(orders_pb2.WatchOrderRequest(order_id=UNKNOWN_ID)).read(),
    ):
        error = await refusal(call)
        assert (error.code(), blamed(error)) == (StatusCode.NOT_FOUND, ["order_id"])


async def test_an_id_that_is_no_uuid_is_refused(shop: Shop) -> None:
    for call in (
        shop.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="1")),
        shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id="1")),
        shop.orders.WatchOrder(orders_pb2.WatchOrderRequest(order_id="1")).read(),
    ):
        error = await refusal(call)
        assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["order_id"])


async def listed(shop: Shop, customer_id: str, page_size: int) -> list[list[str]]:
    pages, token = [], ""
    while True:
        page = await shop.orders.ListOrders(
            orders_pb2.ListOrdersRequest(customer_id=customer_id, page_size=page_size, page_token=token)
        )
        pages.append([order.order_id for order in page.orders])
        if not (token := page.next_page_token):
            return pages


async def test_orders_are_listed_newest_first_and_every_page_is_full(shop: Shop) -> None:
    placed = [(await shop.orders.PlaceOrder(order_of(("mug", 1)))).order.order_id for _ in range(5)]
    newest_first = placed[::-1]
    assert await listed(shop, "", 2) == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert await listed(shop, "jason", 5) == [newest_first]
    assert await listed(shop, "medea", 5) == [[]]


async def test_pages_stay_where_they_are_when_orders_are_added(shop: Shop) -> None:
    placed = [(await shop.orders.PlaceOrder(order_of(("mug", 1)))).order.order_id for _ in range(3)]
    first = await shop.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=2))
    await shop.orders.PlaceOrder(order_of(("mug", 1)))
    request = orders_pb2.ListOrdersRequest(page_size=2, page_token=first.next_page_token)
    assert [order.order_id for order in (await shop.orders.ListOrders(request)).orders] == [placed[0]]


async def test_a_token_is_good_for_its_own_list_only(shop: Shop) -> None:
    for _ in range(2):
        await shop.orders.PlaceOrder(order_of(("mug", 1)))
    token = (await shop.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=1))).next_page_token
    for request in (
        orders_pb2.ListOrdersRequest(page_token="next"),
        orders_pb2.ListOrdersRequest(page_token=token[:-2]),
        orders_pb2.ListOrdersRequest(page_token=token, customer_id="jason"),
        orders_pb2.ListOrdersRequest(page_token="x" * 257),
    ):
        error = await refusal(shop.orders.ListOrders(request))
        assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["page_token"])


@pytest.mark.parametrize("key", ["abc", "abc id", "-1 id", f"{2**63} id", f"{10**30} id", " id", "\u0661 id"])
async def test_a_forged_token_is_refused_like_any_wrong_one(shop: Shop, key: str) -> None:
    request = orders_pb2.ListOrdersRequest(page_token=paging.encode("orders of ", key))
    error = await refusal(shop.orders.ListOrders(request))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["page_token"])


@pytest.mark.parametrize("size", [-1, 1001])
async def test_a_page_size_out_of_range_is_refused(shop: Shop, size: int) -> None:
    error = await refusal(shop.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=size)))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["page_size"])


async def test_the_card_is_neither_in_the_database_nor_in_the_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop.relay.once("Charge", lose_answer(), lose_answer())
    await shop.orders.PlaceOrder(order_of(("mug", 1)))
    with shop.relay.every("Charge", refuse(StatusCode.INTERNAL)):
        await refusal(shop.orders.PlaceOrder(order_of(("mug", 1))))
    written = shop.databases.written()
    assert b"mug" in written
    assert GOOD_CARD.encode() not in written
    assert "saga step not answered" in caplog.text
    assert GOOD_CARD not in caplog.text
