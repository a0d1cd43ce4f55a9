r"""Where does a payment stand, and what does its key stand for?

    Charge --> CHARGED --Refund--> REFUNDED        money taken, and given back
          \-> DECLINED                             the gateway refused
    Refund of a key never seen --> VOIDED          a Charge that arrives late takes nothing

The gateway decides which of these a key is, once and for all; payments writes down what the gateway decided.
Times are microseconds since 1970, UTC.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from services.hosting.errors import AlreadyExists, PreconditionFailed
from services.payments.currencies import Amount


class State(StrEnum):
    CHARGED = "CHARGED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"
    DECLINED = "DECLINED"


class Decline(StrEnum):
    """Why a gateway refuses a card."""

    CARD_DECLINED = "CARD_DECLINED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    CARD_EXPIRED = "CARD_EXPIRED"


@dataclass(frozen=True, slots=True)
class Card:
    """A payment card. Its number and security code appear in no repr, and must go nowhere but to the gateway."""

    number: str = field(repr=False)
    expiry_month: int
    expiry_year: int
    security_code: str = field(repr=False)

    @property
    def last_four(self) -> str:
        return self.number[-4:]


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """What is to be charged; nothing of it is secret."""

    key: str
    order_id: str
    amount: Amount
    last_four: str
    body: str


def charge_order(key: str, order_id: str, amount: Amount, card: Card) -> ChargeOrder:
    """The order to charge `card`, with a digest of its body: the same key must always come with the same.

    The digest covers the last four digits and the expiry, not the number: a hash of a card number hides nothing,
    whatever key it is made with (docs/decisions/0005-no-hash-of-a-card-number.md).
    """
    body = json.dumps([order_id, *amount, card.last_four, card.expiry_year, card.expiry_month])
    return ChargeOrder(key, order_id, amount, card.last_four, hashlib.sha256(body.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a key at the gateway. `amount`, `last_four` and `body` are None or empty when VOIDED."""

    key: str
    order_id: str
    state: State
    at: int
    amount: Amount | None = None
    last_four: str = ""
    body: str = ""
    decline: Decline | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """An outcome as payments wrote it down."""

    payment_id: str
    outcome: Outcome


def taken(payment: Payment, order: ChargeOrder) -> Payment:
    """The payment, if it is the money `order` asks for and we have it. Raises AlreadyExists, PreconditionFailed."""
    outcome = payment.outcome
    if outcome.state is State.VOIDED:
        raise PreconditionFailed("CHARGE_VOIDED", "this charge was voided before it arrived", field="idempotency_key")
    if outcome.body != order.body:
        raise AlreadyExists("KEY_REUSED", "this key charged something else before", field="idempotency_key")
    if outcome.decline is not None:
        raise PreconditionFailed(outcome.decline.value, "the card was refused", field="card")
    if outcome.state is State.REFUNDED:
        raise PreconditionFailed("CHARGE_REFUNDED", "this charge was given back already", field="idempotency_key")
    return payment


def given_back(payment: Payment, order_id: str) -> Payment:
    """The payment, if it was for this order. Raises PreconditionFailed (ORDER_MISMATCH)."""
    if payment.outcome.order_id != order_id:
        raise PreconditionFailed("ORDER_MISMATCH", "the charge was for another order", field="order_id")
    return payment
