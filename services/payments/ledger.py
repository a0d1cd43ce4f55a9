"""How are payments written down and found again? One function of one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, select, update

from services.hosting.database import insert_new
from services.payments.payment import Outcome, Payment, State
from services.payments.rows import columns, outcome_of
from services.payments.tables import PAYMENTS

_FIND = select(PAYMENTS).where(PAYMENTS.c.idempotency_key == bindparam("key"))
_REFUND = update(PAYMENTS).where(PAYMENTS.c.idempotency_key == bindparam("key")).values(state=State.REFUNDED.value)


def record(connection: Connection, outcome: Outcome) -> Payment:
    """Write down what the gateway decided, and return what is written down now.

    A payment only goes forward: a CHARGED that comes later than its REFUNDED changes nothing.
    """
    payment = Payment(str(uuid4()), outcome)
    if insert_new(connection, PAYMENTS, payment_id=payment.payment_id, **columns(outcome)):
        return payment
    if outcome.state is State.REFUNDED:
        connection.execute(_REFUND, {"key": outcome.key})
    return _payment(connection.execute(_FIND, {"key": outcome.key}).one())


def find(connection: Connection, key: str) -> Payment | None:
    """The payment with this key, if any has arrived."""
    row = connection.execute(_FIND, {"key": key}).one_or_none()
    return None if row is None else _payment(row)


def page(connection: Connection, after: str, limit: int) -> list[Payment]:
    """The next `limit` payments by key."""
    rows = connection.execute(
        select(PAYMENTS).where(PAYMENTS.c.idempotency_key > after).order_by(PAYMENTS.c.idempotency_key).limit(limit)
    )
    return [_payment(row) for row in rows]


def unrecorded(connection: Connection, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of the gateway's outcomes which payments has not written down, or not as far."""
    rows = connection.execute(
        select(PAYMENTS.c.idempotency_key, PAYMENTS.c.state).where(
            PAYMENTS.c.idempotency_key.in_([outcome.key for outcome in outcomes])
        )
    )
    known = {row.idempotency_key: row.state for row in rows}
    return [outcome for outcome in outcomes if known.get(outcome.key) != outcome.state.value]


def _payment(row: Row[tuple[str, ...]]) -> Payment:
    return Payment(row.payment_id, outcome_of(row))
