"""What does payments answer? The contract's four RPCs on top of `charging` and `ledger`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from grpc.aio import ServicerContext
from shop.money.v1.money_pb2 import Money
from shop.payments.v1 import payments_pb2 as pb
from shop.payments.v1 import payments_pb2_grpc

from services.hosting import paging
from services.hosting.clock import timestamp
from services.hosting.database import Database
from services.hosting.errors import NotFound
from services.payments import ledger
from services.payments.charging import Charging
from services.payments.currencies import Amount, chargeable
from services.payments.payment import Card, Payment, charge_order

Context = ServicerContext[Any, Any]

DEFAULT_PAGE = 100


class PaymentsServicer(payments_pb2_grpc.PaymentsServiceServicer):
    """Payments' contract. No request is ever logged here: a Charge carries a card."""

    def __init__(self, database: Database, charging: Charging) -> None:
        self._database = database
        self._charging = charging

    async def Charge(self, request: pb.ChargeRequest, _context: Context) -> pb.ChargeResponse:
        money, paying = request.amount, request.card
        amount = chargeable(Amount(money.currency_code, money.units, money.nanos))
        card = Card(paying.number, paying.expiry_month, paying.expiry_year, paying.security_code)
        order = charge_order(_same_uuid(request.idempotency_key), _same_uuid(request.order_id), amount, card)
        return pb.ChargeResponse(payment=_payment(await self._charging.charge(order, card)))

    async def Refund(self, request: pb.RefundRequest, _context: Context) -> pb.RefundResponse:
        key, order_id = _same_uuid(request.charge_idempotency_key), _same_uuid(request.order_id)
        return pb.RefundResponse(payment=_payment(await self._charging.refund(key, order_id)))

    async def GetPayment(self, request: pb.GetPaymentRequest, _context: Context) -> pb.GetPaymentResponse:
        payment = await self._database.read(ledger.find, _same_uuid(request.charge_idempotency_key))
        if payment is None:
            raise NotFound("PAYMENT_NOT_FOUND", "no charge with this key has arrived", field="charge_idempotency_key")
        return pb.GetPaymentResponse(payment=_payment(payment))

    async def ListPayments(self, request: pb.ListPaymentsRequest, _context: Context) -> pb.ListPaymentsResponse:
        size = request.page_size or DEFAULT_PAGE
        after = paging.decode("payments", request.page_token)
        found = await self._database.read(ledger.page, after, size + 1)
        payments, more = paging.page("payments", found, size, lambda payment: payment.outcome.key)
        return pb.ListPaymentsResponse(payments=map(_payment, payments), next_page_token=more)


def _same_uuid(text: str) -> str:
    """One spelling for one UUID: a key in capitals must not charge a second time."""
    return str(UUID(text))


def _payment(payment: Payment) -> pb.Payment:
    outcome = payment.outcome
    amount = outcome.amount
    return pb.Payment(
        payment_id=payment.payment_id,
        idempotency_key=outcome.key,
        order_id=outcome.order_id,
        amount=amount and Money(currency_code=amount.currency, units=amount.units, nanos=amount.nanos),
        state=pb.PaymentState.Value(f"PAYMENT_STATE_{outcome.state.value}"),
        card_last_four=outcome.last_four,
        create_time=timestamp(outcome.at),
        decline_reason=outcome.decline.value if outcome.decline else "",
    )
