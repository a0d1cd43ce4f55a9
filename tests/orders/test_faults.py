"""What happens to an order when a service behind it is silent, late, or out of what it held."""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from services.hosting.settings import SettingsWrong, read_settings
from services.orders.__main__ import OrdersSettings
from tests.hosting.running import reason
from tests.orders.relay import Answer, Deed, lose_answer, refuse
from tests.orders.shop import DECLINED_CARD, SILENT_CARD, Shop, card_of, order_of

pytestmark = pytest.mark.processes


async def refusal(shop: Shop, request: orders_pb2.PlaceOrderRequest, within: float = 10.0) -> AioRpcError:
    with pytest.raises(AioRpcError) as caught:
        await shop.orders.PlaceOrder(request, timeout=within)
    return caught.value


def pushback(error: AioRpcError) -> str:
    return str(dict(error.trailing_metadata() or ()).get("grpc-retry-pushback-ms", ""))


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
    async def dawdle(request: bytes, answer: Answer) -> bytes:
        response = await answer(request)
        await asyncio.sleep(0.6)
        return response

    shop.relay.once("Reserve", dawdle)
    error = await refusal(shop, order_of(("mug", 1)), within=0.75)
    assert error.code() is StatusCode.DEADLINE_EXCEEDED
    await the_order_failed(shop, "OUT_OF_TIME")
    assert shop.relay.calls["Charge"] == 0


async def test_what_is_owed_after_the_charge_does_not_end_with_the_callers_deadline(closed_shop: Shop) -> None:
    passed = asyncio.Event()

    async def outlast(request: bytes, answer: Answer) -> bytes:
        await passed.wait()
        return await answer(request)

    closed_shop.relay.once("Commit", outlast)
    async with closed_shop.replica(recovery_interval_seconds=0.0):
        error = await refusal(closed_shop, order_of(("mug", 1)), within=0.5)
        assert error.code() is StatusCode.DEADLINE_EXCEEDED
        passed.set()
        order = await closed_shop.final((await closed_shop.only_order()).order_id)
        assert order.state == orders_pb2.ORDER_STATE_CONFIRMED


async def test_a_caller_that_leaves_does_not_stop_what_was_begun(shop: Shop) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request: bytes, answer: Answer) -> bytes:
        response = await answer(request)
        arrived.set()
        await go_on.wait()
        return response

    shop.relay.once("Charge", hold)
    request = order_of(("mug", 1))
    call = shop.orders.PlaceOrder(request)
    await arrived.wait()
    call.cancel()
    go_on.set()
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
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hold(request: bytes, answer: Answer) -> bytes:
        arrived.set()
        await go_on.wait()
        return await answer(request)

    shop.relay.once("Charge", hold)
    request = order_of(("mug", 1))
    first = shop.orders.PlaceOrder(request)
    await arrived.wait()
    error = await refusal(shop, request)
    assert (error.code(), reason(error)) == (StatusCode.ABORTED, "ORDER_IN_PROGRESS")
    go_on.set()
    assert (await first).order.state == orders_pb2.ORDER_STATE_CONFIRMED


async def test_fifty_calls_with_one_key_make_one_order(shop: Shop) -> None:
    request = order_of(("mug", 1))
    answers = await asyncio.gather(*(shop.orders.PlaceOrder(request) for _ in range(50)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, AioRpcError)]
    assert {error.code() for error in refused} <= {StatusCode.ABORTED}
    assert len(refused) < 50
    order = await shop.only_order()
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


async def test_a_confirmed_order_is_cancelled_even_if_payments_answers_later(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    with shop.relay.every("Refund", refuse()):
        with pytest.raises(AioRpcError) as caught:
            await shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
        assert (caught.value.code(), reason(caught.value)) == (StatusCode.UNAVAILABLE, "ORDER_PENDING")
    assert (await shop.final(order.order_id)).state == orders_pb2.ORDER_STATE_CANCELLED
    assert await shop.discrepancies() == []


async def test_two_cancellations_at_once_refund_once(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id)
    answers = await asyncio.gather(*(shop.orders.CancelOrder(request) for _ in range(10)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, AioRpcError)]
    assert {error.code() for error in refused} <= {StatusCode.ABORTED}
    assert len(refused) < 10
    assert (await shop.orders.CancelOrder(request)).order.state == orders_pb2.ORDER_STATE_CANCELLED
    assert shop.relay.calls["Refund"] == 1


def test_settings_name_every_address_that_is_missing() -> None:
    with pytest.raises(SettingsWrong) as caught:
        read_settings(OrdersSettings, {"ORDER_LEASE_SECONDS": "soon"})
    assert len(caught.value.problems) == 4
