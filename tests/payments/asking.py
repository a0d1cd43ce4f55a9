"""How do tests ask payments for something, and see what the gateway did? With the fewest words."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from shop.money.v1.money_pb2 import Money
from shop.payments.v1 import payments_pb2 as pb
from sqlalchemy import Row, select

from services.payments.tables import GATEWAY
from tests.hosting.databases import engine

GOOD: Final = "4242424242424242"
DECLINED: Final = "4000000000000002"
NO_FUNDS: Final = "4000000000009995"
EXPIRED: Final = "4000000000000069"
SLOW: Final = "4000000000000077"
UNAVAILABLE: Final = "4000000000000119"
REPLY_LOST: Final = "4000000000000341"


def new_id() -> str:
    return str(uuid4())


def euros(units: int, nanos: int = 0, currency: str = "EUR") -> Money:
    return Money(currency_code=currency, units=units, nanos=nanos)


def card(number: str = GOOD, year: int = 2099, month: int = 12, code: str = "123") -> pb.Card:
    return pb.Card(number=number, expiry_month=month, expiry_year=year, security_code=code)


def charge(number: str = GOOD, key: str = "", order_id: str = "", amount: Money | None = None) -> pb.ChargeRequest:
    return pb.ChargeRequest(
        idempotency_key=key or new_id(),
        order_id=order_id or new_id(),
        amount=amount or euros(12, 500_000_000),
        card=card(number),
    )


def refund(charged: pb.ChargeRequest) -> pb.RefundRequest:
    return pb.RefundRequest(charge_idempotency_key=charged.idempotency_key, order_id=charged.order_id)


def get(charged: pb.ChargeRequest) -> pb.GetPaymentRequest:
    return pb.GetPaymentRequest(charge_idempotency_key=charged.idempotency_key)


def gateway_ledger(url: str) -> dict[str, Row[Any]]:
    """What the gateway's own books say, by key: whose money it has."""
    beside = engine(url)
    with beside.connect() as connection:
        rows = {row.idempotency_key: row for row in connection.execute(select(GATEWAY))}
    beside.dispose()
    return rows
