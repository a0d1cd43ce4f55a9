"""An order can be cancelled in every state: money and stock go back once, whatever is under way meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from tests.hosting.running import info, reason
from tests.orders.refusal import refusal
from tests.orders.relay import Held, refuse
from tests.orders.shop import DECLINED_CARD, Shop, card_of, order_of

CANCELLED = orders_pb2.ORDER_STATE_CANCELLED
GIVEN_BACK = {payments_pb2.PAYMENT_STATE_REFUNDED, payments_pb2.PAYMENT_STATE_VOIDED}


def cancelling(order: orders_pb2.Order) -> orders_pb2.CancelOrderRequest:
    return orders_pb2.CancelOrderRequest(order_id=order.order_id)


async def nothing_is_kept(shop: Shop, order_id: str) -> None:
    assert (await shop.stock("mug")).available == 100
    assert {payment.state for payment in await shop.payments_of(order_id)} <= GIVEN_BACK
    assert await shop.discrepancies() == []


async def test_a_cancelled_order_gives_money_and_stock_back_once(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 2)))).order
    cancelled = (await shop.orders.CancelOrder(cancelling(order))).order
    assert (cancelled.state, cancelled.failure_reason, cancelled.failure_explanation) == (CANCELLED, "", "")
    assert (await shop.orders.CancelOrder(cancelling(order))).order == cancelled
    (payment,) = await shop.payments_of(order.order_id)
    assert payment.state == payments_pb2.PAYMENT_STATE_REFUNDED
    assert shop.relay.calls["Refund"] == 1
    await nothing_is_kept(shop, order.order_id)


@pytest.mark.parametrize("done", [False, True], ids=["arrives after it", "was done before it"])
@pytest.mark.parametrize("step", ["Reserve", "Charge", "Commit"])
async def test_an_order_is_cancelled_while_a_step_of_it_is_under_way(shop: Shop, step: str, *, done: bool) -> None:
    held = Held(after_it_was_done=done)
    shop.relay.once(step, held)
    request = order_of(("mug", 1))
    placing = asyncio.ensure_future(shop.orders.PlaceOrder(request))
    await held.arrived.wait()
    order = await shop.only_order()
    assert (await shop.orders.CancelOrder(cancelling(order))).order.state == CANCELLED
    held.go_on.set()
    assert (await placing).order.state == CANCELLED
    assert (await shop.orders.PlaceOrder(request)).order.state == CANCELLED
    steps = ["Reserve", "Charge", "Commit"]
    assert [shop.relay.calls[each] for each in steps] == [int(each <= steps.index(step)) for each in range(3)]
    assert shop.relay.calls["Refund"] == int(step != "Reserve")
    await nothing_is_kept(shop, order.order_id)


async def test_an_order_is_cancelled_by_another_replica_than_the_one_at_work(shop: Shop) -> None:
    held = Held()
    shop.relay.once("Charge", held)
    placing = asyncio.ensure_future(shop.orders.PlaceOrder(order_of(("mug", 1))))
    await held.arrived.wait()
    order = await shop.only_order()
    async with shop.replica() as other:
        assert (await other.CancelOrder(cancelling(order))).order.state == CANCELLED
        held.go_on.set()
        assert (await placing).order.state == CANCELLED
    await nothing_is_kept(shop, order.order_id)


async def test_a_paid_order_that_waits_for_inventory_can_be_cancelled(shop: Shop) -> None:
    with shop.relay.every("Commit", refuse(StatusCode.PERMISSION_DENIED)):
        assert reason(await refusal(shop, order_of(("mug", 1)))) == "ORDER_PENDING"
        order = await shop.only_order()
        assert (await shop.orders.CancelOrder(cancelling(order))).order.state == CANCELLED
    await nothing_is_kept(shop, order.order_id)


@pytest.mark.parametrize("placed", [True, False], ids=["CONFIRMED", "RESERVED"])
async def test_ten_cancellations_at_once_refund_once_and_all_hear_of_it(shop: Shop, *, placed: bool) -> None:
    held = Held()
    if not placed:
        shop.relay.once("Charge", held)
    placing = asyncio.ensure_future(shop.orders.PlaceOrder(order_of(("mug", 1))))
    await (placing if placed else held.arrived.wait())
    order = await shop.only_order()
    answers = await asyncio.gather(*(shop.orders.CancelOrder(cancelling(order)) for _ in range(10)))
    assert {answer.order.state for answer in answers} == {CANCELLED}
    assert shop.relay.calls["Refund"] == 1
    held.go_on.set()
    await placing
    await nothing_is_kept(shop, order.order_id)


async def test_a_cancellation_is_kept_although_payments_answers_later(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    with shop.relay.every("Refund", refuse()):
        with pytest.raises(AioRpcError) as caught:
            await shop.orders.CancelOrder(cancelling(order))
        assert (caught.value.code(), reason(caught.value)) == (StatusCode.UNAVAILABLE, "ORDER_PENDING")
    assert (await shop.final(order.order_id)).state == CANCELLED
    await nothing_is_kept(shop, order.order_id)


@pytest.mark.parametrize("ended", [True, False], ids=["FAILED", "COMPENSATING"])
async def test_an_order_that_comes_to_nothing_anyway_cannot_be_cancelled(shop: Shop, *, ended: bool) -> None:
    held = Held()
    if not ended:
        shop.relay.once("Refund", held)
    await refusal(shop, order_of(("mug", 1), card=card_of(DECLINED_CARD)))
    order = await (shop.final((await shop.only_order()).order_id) if ended else shop.only_order())
    with pytest.raises(AioRpcError) as caught:
        await shop.orders.CancelOrder(cancelling(order))
    assert (caught.value.code(), reason(caught.value)) == (StatusCode.FAILED_PRECONDITION, "ORDER_FAILED")
    assert info(caught.value).metadata["failure_reason"] == "CARD_DECLINED"
    held.go_on.set()
    assert (await shop.final(order.order_id)).state == orders_pb2.ORDER_STATE_FAILED
