"""What payments promises in its contract, asked over gRPC through the real interceptors."""

from __future__ import annotations

from contextlib import suppress

import grpc
import pytest
from shop.money.v1.money_pb2 import Money
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from tests.hosting.running import FakeClock, blamed, reason
from tests.payments.asking import (
    DECLINED,
    EXPIRED,
    GOOD,
    NO_FUNDS,
    REPLY_LOST,
    SLOW,
    UNAVAILABLE,
    card,
    charge,
    euros,
    gateway_ledger,
    get,
    new_id,
    refund,
)

StatusCode = grpc.StatusCode


async def test_a_charge_takes_the_money_and_tells_what_it_took(
    payments: PaymentsServiceStub, clock: FakeClock, url: str
) -> None:
    asked = charge()
    payment = (await payments.Charge(asked)).payment
    assert payment.state == pb.PAYMENT_STATE_CHARGED
    assert (payment.idempotency_key, payment.order_id) == (asked.idempotency_key, asked.order_id)
    assert (payment.amount, payment.card_last_four, payment.decline_reason) == (asked.amount, "4242", "")
    assert payment.create_time.ToDatetime(clock.now().tzinfo) == clock.now()
    assert payment.payment_id
    assert gateway_ledger(url)[asked.idempotency_key].state == "CHARGED"
    assert (await payments.GetPayment(get(asked))).payment == payment


async def test_the_same_key_and_body_is_the_same_payment(
    payments: PaymentsServiceStub, clock: FakeClock, url: str
) -> None:
    asked = charge()
    first = await payments.Charge(asked)
    clock.advance(60)
    again = pb.ChargeRequest()
    again.CopyFrom(asked)
    again.idempotency_key = asked.idempotency_key.upper()
    assert await payments.Charge(again) == first
    assert len(gateway_ledger(url)) == 1


@pytest.mark.parametrize("what", ["order", "amount", "currency", "card", "expiry"])
async def test_the_same_key_and_another_body_is_refused(payments: PaymentsServiceStub, what: str, url: str) -> None:
    asked = charge()
    await payments.Charge(asked)
    other = pb.ChargeRequest()
    other.CopyFrom(asked)
    match what:
        case "order":
            other.order_id = new_id()
        case "amount":
            other.amount.nanos += 10_000_000
        case "currency":
            other.amount.currency_code = "USD"
        case "card":
            other.card.number = "5555555555554444"
        case "expiry":
            other.card.expiry_year += 1
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Charge(other)
    assert refused.value.code() is StatusCode.ALREADY_EXISTS
    assert (reason(refused.value), blamed(refused.value)) == ("KEY_REUSED", ["idempotency_key"])
    assert len(gateway_ledger(url)) == 1


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (DECLINED, "CARD_DECLINED"),
        (NO_FUNDS, "INSUFFICIENT_FUNDS"),
        (EXPIRED, "CARD_EXPIRED"),
        ("4242424242424241", "CARD_DECLINED"),  # its check digit is wrong
    ],
)
async def test_a_refused_card_is_a_failed_precondition_now_and_later(
    payments: PaymentsServiceStub, number: str, why: str
) -> None:
    asked = charge(number)
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await payments.Charge(asked)
        assert refused.value.code() is StatusCode.FAILED_PRECONDITION
        assert (reason(refused.value), blamed(refused.value)) == (why, ["card"])
    payment = (await payments.GetPayment(get(asked))).payment
    assert (payment.state, payment.decline_reason) == (pb.PAYMENT_STATE_DECLINED, why)
    refunded = (await payments.Refund(refund(asked))).payment
    assert refunded == payment


async def test_a_card_past_its_date_is_expired(payments: PaymentsServiceStub, clock: FakeClock) -> None:
    now = clock.now()
    this_month, last_year = charge(), charge()
    this_month.card.CopyFrom(card(year=now.year, month=now.month))
    last_year.card.CopyFrom(card(year=now.year - 1, month=12))
    assert (await payments.Charge(this_month)).payment.state == pb.PAYMENT_STATE_CHARGED
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Charge(last_year)
    assert reason(refused.value) == "CARD_EXPIRED"


async def test_a_slow_gateway_is_slow_once(payments: PaymentsServiceStub, clock: FakeClock) -> None:
    asked = charge(SLOW)
    before = clock.now()
    first = await payments.Charge(asked)
    assert (clock.now() - before).total_seconds() == 2
    assert await payments.Charge(asked) == first
    assert (clock.now() - before).total_seconds() == 2


async def test_a_gateway_that_does_not_answer_takes_no_money(payments: PaymentsServiceStub, url: str) -> None:
    asked = charge(UNAVAILABLE)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Charge(asked)
    assert (refused.value.code(), reason(refused.value)) == (StatusCode.UNAVAILABLE, "CARD_GATEWAY_UNAVAILABLE")
    assert gateway_ledger(url) == {}
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await payments.GetPayment(get(asked))
    assert unknown.value.code() is StatusCode.NOT_FOUND


async def test_a_lost_reply_is_found_by_trying_again_and_nothing_is_charged_twice(
    payments: PaymentsServiceStub, url: str
) -> None:
    asked = charge(REPLY_LOST)
    with pytest.raises(grpc.aio.AioRpcError) as lost:
        await payments.Charge(asked)
    assert lost.value.code() is StatusCode.UNAVAILABLE
    assert "grpc-retry-pushback-ms" not in dict(lost.value.trailing_metadata())  # trying again is welcome
    taken = gateway_ledger(url)
    assert taken[asked.idempotency_key].state == "CHARGED"
    assert (await payments.Charge(asked)).payment.state == pb.PAYMENT_STATE_CHARGED
    assert gateway_ledger(url) == taken


async def test_a_lost_reply_can_be_refunded_unseen(payments: PaymentsServiceStub, url: str) -> None:
    asked = charge(REPLY_LOST)
    with pytest.raises(grpc.aio.AioRpcError):
        await payments.Charge(asked)
    payment = (await payments.Refund(refund(asked))).payment
    assert (payment.state, payment.amount, payment.card_last_four) == (
        pb.PAYMENT_STATE_REFUNDED,
        asked.amount,
        REPLY_LOST[-4:],
    )
    assert gateway_ledger(url)[asked.idempotency_key].state == "REFUNDED"


async def test_refund_gives_everything_back_once(payments: PaymentsServiceStub, url: str) -> None:
    asked = charge()
    charged = (await payments.Charge(asked)).payment
    first = await payments.Refund(refund(asked))
    assert await payments.Refund(refund(asked)) == first
    assert first.payment.state == pb.PAYMENT_STATE_REFUNDED
    assert (first.payment.payment_id, first.payment.amount) == (charged.payment_id, charged.amount)
    assert gateway_ledger(url)[asked.idempotency_key].state == "REFUNDED"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Charge(asked)
    assert (refused.value.code(), reason(refused.value)) == (StatusCode.FAILED_PRECONDITION, "CHARGE_REFUNDED")


async def test_a_refund_that_overtakes_its_charge_voids_it(payments: PaymentsServiceStub, url: str) -> None:
    late = charge()
    first = await payments.Refund(refund(late))
    assert await payments.Refund(refund(late)) == first
    payment = first.payment
    assert payment.state == pb.PAYMENT_STATE_VOIDED
    assert not payment.HasField("amount")
    assert payment.card_last_four == ""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Charge(late)
    assert (refused.value.code(), reason(refused.value)) == (StatusCode.FAILED_PRECONDITION, "CHARGE_VOIDED")
    assert gateway_ledger(url)[late.idempotency_key].state == "VOIDED"


@pytest.mark.parametrize("number", [GOOD, REPLY_LOST])
async def test_only_the_order_that_was_charged_is_refunded(
    payments: PaymentsServiceStub, number: str, url: str
) -> None:
    asked = charge(number)
    with suppress(grpc.aio.AioRpcError):  # the reply was lost: payments has not recorded it, the gateway has
        await payments.Charge(asked)
    other = refund(asked)
    other.order_id = new_id()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await payments.Refund(other)
    assert refused.value.code() is StatusCode.FAILED_PRECONDITION
    assert (reason(refused.value), blamed(refused.value)) == ("ORDER_MISMATCH", ["order_id"])
    assert gateway_ledger(url)[asked.idempotency_key].state == "CHARGED"


async def test_the_pages_of_payments_are_everything_once_and_in_order(payments: PaymentsServiceStub) -> None:
    asked = [charge() for _ in range(4)]
    for request in asked:
        await payments.Charge(request)
    asked.append(charge())
    await payments.Refund(refund(asked[-1]))
    token = ""
    seen: list[pb.Payment] = []
    while not seen or token:
        page = await payments.ListPayments(pb.ListPaymentsRequest(page_size=2, page_token=token))
        seen.extend(page.payments)
        token = page.next_page_token
    assert [payment.idempotency_key for payment in seen] == sorted(request.idempotency_key for request in asked)
    assert sum(payment.state == pb.PAYMENT_STATE_VOIDED for payment in seen) == 1


@pytest.mark.parametrize(
    "amount", [euros(0, 10_000_000), euros(1_000_000), euros(5, currency="JPY"), euros(3, 990_000_000, "USD")]
)
async def test_every_supported_amount_is_charged_exactly(payments: PaymentsServiceStub, amount: Money) -> None:
    assert (await payments.Charge(charge(amount=amount))).payment.amount == amount
