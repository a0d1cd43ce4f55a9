"""kill -9 at every step of an order: when somebody has looked after it, the books balance and its key has an answer.

A real process is killed by the relay as its call arrives. What becomes of the call is the other half of
the matter: it came to nothing, it was done, or it was still on its way and arrives when all is over.
"""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from tests.hosting.running import reason
from tests.orders.relay import Held, refuse
from tests.orders.shop import DECLINED_CARD, OTHER_GOOD_CARD, Shop, card_of, order_of
from tests.orders.victim import DEATHS, Victim, orders_process

pytestmark = pytest.mark.processes

CONFIRMED, FAILED = orders_pb2.ORDER_STATE_CONFIRMED, orders_pb2.ORDER_STATE_FAILED


async def dies(victim: Victim, request: orders_pb2.PlaceOrderRequest) -> None:
    with pytest.raises(AioRpcError):
        await victim.orders.PlaceOrder(request, timeout=20.0)
    await asyncio.wait_for(victim.process.wait(), 20.0)


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("Reserve", {"never arrives": FAILED, "is done": FAILED, "arrives late": FAILED}),
        ("Charge", {"never arrives": FAILED, "is done": CONFIRMED, "arrives late": FAILED}),
        ("Commit", {"never arrives": CONFIRMED, "is done": CONFIRMED, "arrives late": CONFIRMED}),
    ],
)
async def test_another_replica_finishes_what_a_killed_one_began(
    closed_shop: Shop, step: str, expected: dict[str, int], death: str
) -> None:
    request = order_of(("mug", 1))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once(step, DEATHS[death](victim))
        await dies(victim, request)
    async with closed_shop.replica():
        order = await closed_shop.final((await closed_shop.only_order()).order_id)
        await victim.deliver_late()
        assert order.state == expected[death]
        assert (order.failure_reason == "INTERRUPTED") == (order.state == FAILED)
        assert await closed_shop.discrepancies() == []
        await the_key_has_this_answer(closed_shop, request, order)


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("step", ["Refund", "Release"])
async def test_another_replica_gives_back_what_a_killed_one_owed(closed_shop: Shop, step: str, death: str) -> None:
    request = order_of(("mug", 1), card=card_of(DECLINED_CARD))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once(step, DEATHS[death](victim))
        with pytest.raises(AioRpcError):
            await victim.orders.PlaceOrder(request, timeout=20.0)
        await asyncio.wait_for(victim.process.wait(), 20.0)
    async with closed_shop.replica():
        order = await closed_shop.final((await closed_shop.only_order()).order_id)
        await victim.deliver_late()
        assert (order.state, order.failure_reason) == (FAILED, "CARD_DECLINED")
        assert (await closed_shop.stock("mug")).available == 100
        assert await closed_shop.discrepancies() == []
        await the_key_has_this_answer(closed_shop, request, order)


async def test_recovery_learns_that_the_card_was_declined(closed_shop: Shop) -> None:
    request = order_of(("mug", 1), card=card_of(DECLINED_CARD))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.kill_after())
        await dies(victim, request)
    async with closed_shop.replica():
        order = await closed_shop.final((await closed_shop.only_order()).order_id)
        assert (order.state, order.failure_reason) == (FAILED, "CARD_DECLINED")
        assert await closed_shop.discrepancies() == []


async def test_the_same_process_started_again_finishes_its_own_order(closed_shop: Shop) -> None:
    request = order_of(("mug", 1))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.kill_after())
        await dies(victim, request)
    async with orders_process(closed_shop, recovery_interval_seconds="0.1") as again:
        closed_shop.stubs.append(again.orders)
        order = await closed_shop.final((await closed_shop.only_order()).order_id)
        assert order.state == CONFIRMED
        assert await closed_shop.discrepancies() == []


async def test_a_frozen_process_that_wakes_up_after_its_order_was_finished_changes_nothing(closed_shop: Shop) -> None:
    request = order_of(("mug", 1))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.freeze_before())
        call = victim.orders.PlaceOrder(request, timeout=30.0)
        while not closed_shop.relay.calls["Charge"]:
            await asyncio.sleep(0.01)
        async with closed_shop.replica():
            order = await closed_shop.final((await closed_shop.only_order()).order_id)
            victim.thaw()
            with pytest.raises(AioRpcError) as caught:
                await call
            told = reason(caught.value) or caught.value.code().name  # the frost may outlast the deadline
            assert told in {"ORDER_IN_PROGRESS", "INTERRUPTED", "DEADLINE_EXCEEDED"}
            assert (await closed_shop.only_order()) == order
            assert order.failure_reason == "INTERRUPTED"
            assert await closed_shop.discrepancies() == []


async def test_a_customer_who_comes_back_with_another_card_pays_once(closed_shop: Shop) -> None:
    request = order_of(("mug", 1))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.kill_after())
        await dies(victim, request)
    request.card.CopyFrom(card_of(OTHER_GOOD_CARD))
    async with closed_shop.replica(recovery_interval_seconds=0.0):
        order = await placed_when_free(closed_shop, request)
        assert order.state == CONFIRMED
        (payment,) = await closed_shop.payments_of(order.order_id)
        assert payment.state == payments_pb2.PAYMENT_STATE_CHARGED
        assert await closed_shop.discrepancies() == []


async def test_a_customer_who_comes_back_with_the_card_is_charged_where_recovery_could_only_ask(
    closed_shop: Shop,
) -> None:
    request = order_of(("mug", 1))
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.kill_before())
        await dies(victim, request)
    async with closed_shop.replica():
        with closed_shop.relay.every("GetPayment", refuse()):
            while not closed_shop.relay.calls["GetPayment"]:
                await asyncio.sleep(0.01)
            order = await placed_when_free(closed_shop, request)
        assert order.state == CONFIRMED
        assert await closed_shop.discrepancies() == []


async def placed_when_free(shop: Shop, request: orders_pb2.PlaceOrderRequest) -> orders_pb2.Order:
    """The order, as soon as nobody else is at work on it."""
    while True:
        try:
            return (await shop.orders.PlaceOrder(request)).order
        except AioRpcError as error:
            if error.code() is not StatusCode.ABORTED:
                raise
        await asyncio.sleep(0.05)


async def test_without_recovery_the_books_do_not_balance(closed_shop: Shop) -> None:
    async with orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.kill_after())
        await dies(victim, order_of(("mug", 1)))
    async with closed_shop.replica(recovery_interval_seconds=0.0):
        (found,) = await closed_shop.discrepancies()
        order = await closed_shop.only_order()
        assert (found.name, found.ids) == ("UNSETTLED", (("order_id", order.order_id),))
        assert len(await closed_shop.payments_of(order.order_id)) == 1


async def test_sigterm_lets_a_begun_order_end(closed_shop: Shop) -> None:
    charge = Held()
    async with orders_process(closed_shop, drain_delay_seconds="0") as victim:
        closed_shop.relay.once("Charge", charge)
        call = victim.orders.PlaceOrder(order_of(("mug", 1)), timeout=20.0)
        await charge.arrived.wait()
        victim.process.terminate()
        charge.go_on.set()
        assert (await call).order.state == CONFIRMED
        assert await asyncio.wait_for(victim.process.wait(), 20.0) == 0


async def the_key_has_this_answer(shop: Shop, request: orders_pb2.PlaceOrderRequest, order: orders_pb2.Order) -> None:
    if order.state == CONFIRMED:
        assert (await shop.orders.PlaceOrder(request)).order == order
        return
    with pytest.raises(AioRpcError) as caught:
        await shop.orders.PlaceOrder(request)
    assert reason(caught.value) == order.failure_reason
