"""kill -9 amid a cancellation: once it has begun, the order ends CANCELLED, whoever goes on with it.

The first of two steps is the one the order is at when it is cancelled: it is kept on its way until all is over. The
second is the one that gives back, and there the process dies, as in test_crashes.py.
"""

from __future__ import annotations

import asyncio

import pytest
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2

from tests.orders.relay import Held
from tests.orders.shop import Shop, order_of
from tests.orders.victim import DEATHS, Victim, orders_process

pytestmark = pytest.mark.processes

CANCELLED = orders_pb2.ORDER_STATE_CANCELLED


async def placing_until(shop: Shop, victim: Victim, step: str) -> tuple[Held, orders_pb2.Order]:
    """Begin an order; it is at `step`, which waits."""
    held = Held()
    shop.relay.once(step, held)
    victim.orders.PlaceOrder(order_of(("mug", 1)), timeout=20.0)
    await held.arrived.wait()
    return held, await shop.only_order()


async def it_is_all_given_back(shop: Shop, order: orders_pb2.Order, refunds: int) -> None:
    assert (await shop.final(order.order_id)).state == CANCELLED
    assert (await shop.stock("mug")).available == 100
    assert await shop.discrepancies() == []
    assert shop.relay.calls["Refund"] == refunds


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize(("step", "giving_back"), [("Reserve", "Release"), ("Charge", "Refund"), ("Commit", "Release")])
async def test_a_cancellation_amid_a_step_survives_its_process(
    closed_shop: Shop, step: str, giving_back: str, death: str
) -> None:
    async with closed_shop.replica(recovery_interval_seconds=0.0), orders_process(closed_shop) as victim:
        held, order = await placing_until(closed_shop, victim, step)
        closed_shop.relay.once(giving_back, DEATHS[death](victim))
        with pytest.raises(AioRpcError):
            await victim.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id), timeout=20.0)
        await asyncio.wait_for(victim.process.wait(), 20.0)
    async with closed_shop.replica():
        assert (await closed_shop.final(order.order_id)).state == CANCELLED
        held.go_on.set()
        await victim.deliver_late()
        await it_is_all_given_back(closed_shop, order, refunds={"Reserve": 0, "Charge": 2, "Commit": 1}[step])


@pytest.mark.parametrize("step", ["Reserve", "Charge", "Commit"])
async def test_the_order_of_a_killed_process_is_cancelled_at_once_by_another(closed_shop: Shop, step: str) -> None:
    async with (
        closed_shop.replica(recovery_interval_seconds=0.0) as other,
        orders_process(closed_shop, order_lease_seconds="3600") as victim,
    ):
        held, order = await placing_until(closed_shop, victim, step)
        victim.process.kill()
        answer = await other.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
        assert answer.order.state == CANCELLED
        held.go_on.set()
        await it_is_all_given_back(closed_shop, order, int(step != "Reserve"))


async def test_a_frozen_process_that_wakes_up_after_its_order_was_cancelled_changes_nothing(closed_shop: Shop) -> None:
    async with closed_shop.replica(recovery_interval_seconds=0.0) as other, orders_process(closed_shop) as victim:
        closed_shop.relay.once("Charge", victim.freeze_before())
        placing = victim.orders.PlaceOrder(order_of(("mug", 1)), timeout=30.0)
        while not closed_shop.relay.calls["Charge"]:
            await asyncio.sleep(0.01)
        order = await closed_shop.only_order()
        await other.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
        victim.thaw()
        try:
            assert (await placing).order.state == CANCELLED
        except AioRpcError as error:
            assert error.code().name == "DEADLINE_EXCEEDED"  # noqa: PT017  # the frost may outlast the deadline
        await it_is_all_given_back(closed_shop, order, 1)


@pytest.mark.parametrize("step", ["Refund", "Release"])
async def test_a_cancellation_of_a_confirmed_order_survives_its_process(closed_shop: Shop, step: str) -> None:
    async with orders_process(closed_shop) as victim:
        order = (await victim.orders.PlaceOrder(order_of(("mug", 1)))).order
        closed_shop.relay.once(step, victim.kill_after())
        with pytest.raises(AioRpcError):
            await victim.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id), timeout=20.0)
    async with closed_shop.replica():
        await it_is_all_given_back(closed_shop, order, {"Refund": 2, "Release": 1}[step])


async def test_without_recovery_a_cancellation_that_was_killed_is_not_finished(closed_shop: Shop) -> None:
    async with closed_shop.replica(recovery_interval_seconds=0.0), orders_process(closed_shop) as victim:
        held, order = await placing_until(closed_shop, victim, "Charge")
        closed_shop.relay.once("Refund", victim.kill_before())
        with pytest.raises(AioRpcError):
            await victim.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id), timeout=20.0)
        held.go_on.set()
        assert (await closed_shop.only_order()).state == orders_pb2.ORDER_STATE_COMPENSATING
        assert [found.name for found in await closed_shop.discrepancies()] != []
