"""How does an outcome look as a row? The same for payments' table and for the gateway's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from services.payments.currencies import Amount
from services.payments.payment import Decline, Outcome, State


def columns(outcome: Outcome) -> dict[str, Any]:
    """The outcome's values by column."""
    currency, units, nanos = outcome.amount or (None, None, None)
    return {
        "idempotency_key": outcome.key,
        "order_id": outcome.order_id,
        "state": outcome.state.value,
        "at": outcome.at,
        "currency": currency,
        "units": units,
        "nanos": nanos,
        "last_four": outcome.last_four,
        "body": outcome.body,
        "decline": outcome.decline and outcome.decline.value,
    }


def outcome_of(row: Row[Any]) -> Outcome:
    """The outcome in a row of either table."""
    return Outcome(
        key=row.idempotency_key,
        order_id=row.order_id,
        state=State(row.state),
        at=row.at,
        amount=None if row.currency is None else Amount(row.currency, row.units, row.nanos),
        last_four=row.last_four,
        body=row.body,
        decline=Decline(row.decline) if row.decline else None,
    )
