"""What happens to an order when a service behind it is silent, late, or out of what it held."""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from tests.hosting.running import reason
from tests.orders.refusal import pushback, refusal
from tests.orders.relay import Answer, Deed, lose_answer, refuse
from tests.orders.shop import DECLINED_CARD, SILENT_CARD, Shop, card_of, order_of

pytestmark = pytest.mark.processes


async def the_order_failed(shop: Shop, expected: str) -> None:
    order = await shop.final((await shop.only_order()).order_id)
    assert (order.state, order.failure_reason) == (orders_pb2.ORDER_STATE_FAILED, expected)
    assert (await shop.stock("mug")).available == 100
    assert await shop.discrepancies() == []


@pytest.mark.parametrize("method", ["BatchGetProducts", "Reserve", "Charge", "Commit"])
async def test_one_lost_answer_at_any_step_is_not_noticed(shop: Shop, method: str) -> None:
    shop.relay.once(method, lose_answer())
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert shop.relay.calls[method] >= 2
    assert len(await shop.payments_of(order.order_id)) == 1
    assert await shop.discrepancies() == []


async def test_without_catalog_nothing_is_begun(shop: Shop) -> None:
    with shop.relay.every("BatchGetProducts", refuse()):
        error = await refusal(shop, order_of(("mug", 1)))
    assert (error.code(), pushback(error)) == (StatusCode.UNAVAILABLE, "-1")
    assert not (await shop.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders


@pytest.mark.parametrize("deed", [refuse(), lose_answer(), refuse(StatusCode.INTERNAL)])
async def test_without_inventory_nothing_is_charged(shop: Shop, deed: Deed) -> None:
    request = order_of(("mug", 1))
    with shop.relay.every("Reserve", deed):
        error = await refusal(shop, request)
    assert (error.code(), reason(error), pushback(error)) == (StatusCode.UNAVAILABLE, "INVENTORY_UNAVAILABLE", "-1")
    await the_order_failed(shop, "INVENTORY_UNAVAILABLE")
    assert shop.relay.calls["Charge"] == 0
    assert (await refusal(shop, request)).details() == error.details()


@pytest.mark.parametrize("deed", [refuse(), lose_answer(), lose_answer(StatusCode.UNKNOWN)])
async def test_without_an_answer_from_payments_the_money_is_given_back(shop: Shop, deed: Deed) -> None:
    with shop.relay.every("Charge", deed):
        error = await refusal(shop, order_of(("mug", 1)))
    assert (error.code(), reason(error), pushback(error)) == (StatusCode.UNAVAILABLE, "PAYMENTS_UNAVAILABLE", "-1")
    await the_order_failed(shop, "PAYMENTS_UNAVAILABLE")


async def test_a_card_gateway_that_never_answers_costs_nothing(shop: Shop) -> None:
    error = await refusal(shop, order_of(("mug", 1), card=card_of(SILENT_CARD)))
    assert reason(error) == "PAYMENTS_UNAVAILABLE"
    await the_order_failed(shop, "PAYMENTS_UNAVAILABLE")


async def test_a_charge_that_arrives_after_its_refund_takes_no_money(shop: Shop) -> None:
    late: list[tuple[bytes, Answer]] = []

    async def keep(request: bytes, answer: Answer) -> bytes:
        late.append((request, answer))
        return await refuse()(request, answer)

    with shop.relay.every("Charge", keep):
        await refusal(shop, order_of(("mug", 1)))
    await the_order_failed(shop, "PAYMENTS_UNAVAILABLE")
    for request, answer in late:
        with pytest.raises(AioRpcError) as caught:
            await answer(request)
        assert reason(caught.value) == "CHARGE_VOIDED"
    assert await shop.discrepancies() == []


@pytest.mark.parametrize("method", ["Refund", "Release"])
async def test_compensation_is_repeated_until_it_is_done(shop: Shop, method: str) -> None:
    shop.relay.once(method, *[refuse()] * 4)
    await refusal(shop, order_of(("mug", 1), card=card_of(DECLINED_CARD)))
    await the_order_failed(shop, "CARD_DECLINED")
    assert shop.relay.calls[method] >= 5


async def test_a_paid_order_is_confirmed_as_soon_as_inventory_answers(shop: Shop) -> None:
    request = order_of(("mug", 1))
    with shop.relay.every("Commit", refuse()):
        error = await refusal(shop, request)
        assert (error.code(), reason(error)) == (StatusCode.UNAVAILABLE, "ORDER_PENDING")
        assert (await shop.only_order()).state == orders_pb2.ORDER_STATE_CHARGED
    order = await shop.final((await shop.only_order()).order_id)
    assert (await shop.orders.PlaceOrder(request)).order == order
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert await shop.discrepancies() == []


def lapse(shop: Shop, deed: Deed | None = None) -> Deed:
    """Before this call is passed on, all reservations lapse."""

    async def lapsed(request: bytes, answer: Answer) -> bytes:
        shop.inventory_clock.advance(3600.0)
        return await (deed(request, answer) if deed else answer(request))

    return lapsed


async def test_a_reservation_that_lapses_after_the_charge_is_made_anew(shop: Shop) -> None:
    shop.relay.once("Commit", lapse(shop))
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert shop.relay.calls["Reserve"] >= 2
    assert (await shop.stock("mug")).committed == 1
    assert await shop.discrepancies() == []


async def test_a_reservation_that_lapsed_before_its_answer_came_is_made_anew(shop: Shop) -> None:
    async def lapse_and_lose(request: bytes, answer: Answer) -> bytes:
        await answer(request)
        shop.inventory_clock.advance(3600.0)
        return await refuse()(request, answer)

    shop.relay.once("Reserve", lapse_and_lose)
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert shop.relay.calls["Reserve"] >= 3
    assert await shop.discrepancies() == []


async def test_a_paid_order_whose_stock_has_gone_is_refunded(shop: Shop) -> None:
    async def sell_to_another(request: bytes, answer: Answer) -> bytes:
        shop.inventory_clock.advance(3600.0)
        other = "11111111-1111-4111-8111-111111111111"
        # The lapsed pieces are free again once somebody has looked at the reservation.
        with pytest.raises(AioRpcError):
            await answer(request)
        await shop.inventory.Reserve(
            inventory_pb2.ReserveRequest(
                reservation_id=other,
                order_id=other,
                lines=[inventory_pb2.StockLine(product_id="amphora", quantity=1)],
            )
        )
        return await answer(request)

    shop.relay.once("Commit", sell_to_another)
    error = await refusal(shop, order_of(("amphora", 1)))
    assert (error.code(), reason(error)) == (StatusCode.FAILED_PRECONDITION, "OUT_OF_STOCK")
    order = await shop.final((await shop.only_order()).order_id)
    (payment,) = await shop.payments_of(order.order_id)
    assert payment.state == payments_pb2.PAYMENT_STATE_REFUNDED
    assert [found.name for found in await shop.discrepancies()] == ["RESERVATION_WITHOUT_ORDER"]


async def test_too_little_time_for_a_charge_means_none_is_sent(shop: Shop) -> None:
    loop = asyncio.get_running_loop()

    async def dawdle(request: bytes, answer: Answer) -> bytes:
        response = await answer(request)
        await asyncio.sleep(begun + 0.85 - loop.time())
        return response

    reasons: list[str] = []
    while "OUT_OF_TIME" not in reasons and len(reasons) < 10:  # on a slow machine reserving may already be too late
        shop.relay.once("Reserve", dawdle)
        begun = loop.time()
        error = await refusal(shop, order_of(("mug", 1)), within=1.0)
        assert error.code() is StatusCode.DEADLINE_EXCEEDED
        newest = (await shop.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=1))).orders[0]
        reasons.append((await shop.final(newest.order_id)).failure_reason)
    assert reasons[-1] == "OUT_OF_TIME"
    assert shop.relay.calls["Charge"] == 0
    assert (await shop.stock("mug")).available == 100
    assert await shop.discrepancies() == []
