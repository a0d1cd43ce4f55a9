"""What happens to an order when its callers leave, are many, or come again."""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2

from tests.hosting.running import reason
from tests.orders.refusal import refusal
from tests.orders.relay import Answer, Held, refuse
from tests.orders.shop import Shop, order_of

pytestmark = pytest.mark.processes


async def test_what_is_owed_after_the_charge_does_not_end_with_the_callers_deadline(closed_shop: Shop) -> None:
    passed = asyncio.Event()

    async def outlast(request: bytes, answer: Answer) -> bytes:
        await passed.wait()
        return await answer(request)

    closed_shop.relay.once("Commit", outlast)
    async with closed_shop.replica(recovery_interval_seconds=0.0):
        error = await refusal(closed_shop, order_of(("mug", 1)), within=0.75)
        assert error.code() is StatusCode.DEADLINE_EXCEEDED
        passed.set()
        order = await closed_shop.final((await closed_shop.only_order()).order_id)
        assert order.state == orders_pb2.ORDER_STATE_CONFIRMED


async def test_a_caller_that_leaves_does_not_stop_what_was_begun(shop: Shop) -> None:
    charge = Held(after_it_was_done=True)
    shop.relay.once("Charge", charge)
    request = order_of(("mug", 1))
    call = shop.orders.PlaceOrder(request)
    await charge.arrived.wait()
    call.cancel()
    charge.go_on.set()
    order = await shop.final((await shop.only_order()).order_id)
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert (await shop.orders.PlaceOrder(request)).order == order


async def test_callers_that_leave_cannot_pile_up_work_without_end(closed_shop: Shop) -> None:
    arrived, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def hold(request: bytes, answer: Answer) -> bytes:
        arrived.release()
        await go_on.wait()
        return await answer(request)

    closed_shop.relay.once("Charge", hold, hold)
    async with closed_shop.replica(max_concurrent_rpcs=1):  # which admits twice as many orders
        for _ in range(2):
            call = closed_shop.orders.PlaceOrder(order_of(("mug", 1)))
            await arrived.acquire()
            call.cancel()
        error = await refusal(closed_shop, order_of(("mug", 1)))
        while reason(error) == "TOO_MANY_CALLS":  # the cancelled call's slot is not free yet
            error = await refusal(closed_shop, order_of(("mug", 1)))
        assert (error.code(), reason(error)) == (StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ORDERS")
        go_on.set()
        for order in (await closed_shop.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders:
            assert (await closed_shop.final(order.order_id)).state == orders_pb2.ORDER_STATE_CONFIRMED


async def test_a_second_call_while_the_first_is_at_work_is_told_so(shop: Shop) -> None:
    charge = Held()
    shop.relay.once("Charge", charge)
    request = order_of(("mug", 1))
    first = shop.orders.PlaceOrder(request)
    await charge.arrived.wait()
    error = await refusal(shop, request)
    assert (error.code(), reason(error)) == (StatusCode.ABORTED, "ORDER_IN_PROGRESS")
    charge.go_on.set()
    assert (await first).order.state == orders_pb2.ORDER_STATE_CONFIRMED


async def test_fifty_calls_with_one_key_make_one_order(shop: Shop) -> None:
    request = order_of(("mug", 1))
    answers = await asyncio.gather(*(shop.orders.PlaceOrder(request) for _ in range(50)), return_exceptions=True)
    refused = {answer.code() for answer in answers if isinstance(answer, AioRpcError)}
    assert refused <= {StatusCode.ABORTED, StatusCode.DEADLINE_EXCEEDED}  # who asks a busy machine may be told too late
    order = await shop.final((await shop.only_order()).order_id)
    assert order.state == orders_pb2.ORDER_STATE_CONFIRMED
    assert len(await shop.payments_of(order.order_id)) == 1
    assert await shop.discrepancies() == []


async def test_the_caller_resumes_an_order_that_nobody_works_on(closed_shop: Shop) -> None:
    async with closed_shop.replica(recovery_interval_seconds=0.0):
        request = order_of(("mug", 1))
        with closed_shop.relay.every("Commit", refuse()):
            await refusal(closed_shop, request)
        assert (await closed_shop.orders.PlaceOrder(request)).order.state == orders_pb2.ORDER_STATE_CONFIRMED
        assert closed_shop.relay.calls["Charge"] == 1
        assert await closed_shop.discrepancies() == []
