"""Which amounts can be charged? Money in these currencies, more than none of it, and no fraction of a coin."""

from __future__ import annotations

from typing import NamedTuple

from services.hosting.errors import InvalidRequest

NANOS = 9  # decimal places of an amount's billionths

SUPPORTED = {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0}
"""Decimal places of each currency's smallest coin, by ISO 4217."""


class Amount(NamedTuple):
    """`units` + `nanos` * 10^-9 of a currency, never negative."""

    currency: str
    units: int
    nanos: int


def chargeable(amount: Amount) -> Amount:
    """The amount, if a card can be charged with it. Raises InvalidRequest naming the field that is to blame."""
    places = SUPPORTED.get(amount.currency)
    if places is None:
        raise InvalidRequest(
            "CURRENCY_NOT_SUPPORTED", f"is not one of {', '.join(SUPPORTED)}", field="amount.currency_code"
        )
    if amount.units == amount.nanos == 0:
        raise InvalidRequest("AMOUNT_NOT_POSITIVE", "must be more than zero", field="amount")
    if amount.nanos % 10 ** (NANOS - places):
        raise InvalidRequest("AMOUNT_TOO_FINE", f"{amount.currency} has {places} decimal places", field="amount.nanos")
    return amount
