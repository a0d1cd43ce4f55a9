"""What does the company do that talks to the banks? A mock of it, with test cards and a ledger of its own.

    4242424242424242   charged
    4000000000000002   refused: CARD_DECLINED
    4000000000009995   refused: INSUFFICIENT_FUNDS
    4000000000000069   refused: CARD_EXPIRED, whatever date is on it
    4000000000000077   charged, and the reply comes 2 s later
    4000000000000119   does not answer, and no money moves
    4000000000000341   charged, but the first reply is lost: the same key again gets it

Any other number is charged if its check digit is right, else CARD_DECLINED; a card past its date is CARD_EXPIRED.

Like real processors it is idempotent by key: it decides once what becomes of a key, and answers the same ever after.
Its ledger is durable, and each answer a transaction of its own, so that "the gateway took the money" and "payments
wrote it down" are two events between which a process can die.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from grpc import StatusCode
from sqlalchemy import Connection, bindparam, select, tuple_, update

from services.hosting.database import Database, insert_new
from services.hosting.errors import ShopError
from services.payments.payment import Card, ChargeOrder, Decline, Outcome, State
from services.payments.rows import columns, outcome_of
from services.payments.tables import GATEWAY

SLOW_REPLY = 2.0  # seconds
MICROSECONDS = 1_000_000  # in a second

_ENTRY = select(GATEWAY).where(GATEWAY.c.idempotency_key == bindparam("key")).with_for_update()
_REFUND = (
    update(GATEWAY)
    .where(
        GATEWAY.c.idempotency_key == bindparam("key"),
        GATEWAY.c.order_id == bindparam("order"),
        GATEWAY.c.state == State.CHARGED.value,
    )
    .values(state=State.REFUNDED.value, changed_at=bindparam("now"))
)


class CardGatewayUnavailable(ShopError):
    """The gateway did not answer: nobody knows whether it took the money. The same key may be tried again."""

    code = StatusCode.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("CARD_GATEWAY_UNAVAILABLE", "the card gateway does not answer")


class CardGateway(Protocol):
    """What payments needs of a processor. Both calls are idempotent by key, and raise CardGatewayUnavailable."""

    async def charge(self, order: ChargeOrder, card: Card) -> Outcome:
        """Take the money, unless the key has an outcome already."""

    async def refund(self, key: str, order_id: str) -> Outcome:
        """Give the money back, or void a key that has no outcome yet. Another order's charge is left as it is."""

    async def changes(
        self, after: tuple[int, str], until: int, limit: int
    ) -> Sequence[tuple[tuple[int, str], Outcome]]:
        """Outcomes that changed after a position and up to `until`, in order, each with its position."""


class Behaviour(Enum):
    """What the mock does with a card it does not refuse."""

    CHARGE = "charge"
    REPLY_LATE = "charge, reply late"
    LOSE_REPLY = "charge, lose the reply"
    DO_NOT_ANSWER = "do not answer"


TEST_CARDS: dict[str, Behaviour | Decline] = {
    "4242424242424242": Behaviour.CHARGE,
    "4000000000000002": Decline.CARD_DECLINED,
    "4000000000009995": Decline.INSUFFICIENT_FUNDS,
    "4000000000000069": Decline.CARD_EXPIRED,
    "4000000000000077": Behaviour.REPLY_LATE,
    "4000000000000119": Behaviour.DO_NOT_ANSWER,
    "4000000000000341": Behaviour.LOSE_REPLY,
}


def judge(card: Card, now: int) -> Behaviour | Decline:
    """What the gateway does with a card at `now`."""
    today = datetime.fromtimestamp(now / MICROSECONDS, UTC)
    if not has_right_check_digit(card.number):
        return Decline.CARD_DECLINED
    if (card.expiry_year, card.expiry_month) < (today.year, today.month):
        return Decline.CARD_EXPIRED
    return TEST_CARDS.get(card.number, Behaviour.CHARGE)


def has_right_check_digit(number: str) -> bool:
    """Whether the last digit is the one that ISO/IEC 7812-1 (Luhn) computes from the others."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


class MockCardGateway:
    """The gateway of the table above; `now` is in microseconds since 1970."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._now = now
        self._sleep = sleep

    async def charge(self, order: ChargeOrder, card: Card) -> Outcome:
        now = self._now()
        verdict = judge(card, now)
        if verdict is Behaviour.DO_NOT_ANSWER:
            raise CardGatewayUnavailable
        outcome, is_new = await self._database.write(_decide, _outcome(order, verdict, now))
        if is_new and verdict is Behaviour.REPLY_LATE:
            await self._sleep(SLOW_REPLY)
        if is_new and verdict is Behaviour.LOSE_REPLY:
            raise CardGatewayUnavailable
        return outcome

    async def refund(self, key: str, order_id: str) -> Outcome:
        return await self._database.write(_refund, key, order_id, self._now())

    async def changes(
        self, after: tuple[int, str], until: int, limit: int
    ) -> Sequence[tuple[tuple[int, str], Outcome]]:
        return await self._database.read(_changes, after, until, limit)


def _outcome(order: ChargeOrder, verdict: Behaviour | Decline, now: int) -> Outcome:
    return Outcome(
        key=order.key,
        order_id=order.order_id,
        state=State.DECLINED if isinstance(verdict, Decline) else State.CHARGED,
        at=now,
        amount=order.amount,
        last_four=order.last_four,
        body=order.body,
        decline=verdict if isinstance(verdict, Decline) else None,
    )


def _decide(connection: Connection, outcome: Outcome) -> tuple[Outcome, bool]:
    if insert_new(connection, GATEWAY, changed_at=outcome.at, **columns(outcome)):
        return outcome, True
    return outcome_of(connection.execute(_ENTRY, {"key": outcome.key}).one()), False


def _refund(connection: Connection, key: str, order_id: str, now: int) -> Outcome:
    decided, is_new = _decide(connection, Outcome(key, order_id, State.VOIDED, at=now))
    if is_new or not connection.execute(_REFUND, {"key": key, "order": order_id, "now": now}).rowcount:
        return decided
    return outcome_of(connection.execute(_ENTRY, {"key": key}).one())


def _changes(
    connection: Connection, after: tuple[int, str], until: int, limit: int
) -> list[tuple[tuple[int, str], Outcome]]:
    position = tuple_(GATEWAY.c.changed_at, GATEWAY.c.idempotency_key)
    rows = connection.execute(
        select(GATEWAY)
        .where(position > after, GATEWAY.c.changed_at <= until)
        .order_by(GATEWAY.c.changed_at, GATEWAY.c.idempotency_key)
        .limit(limit)
    )
    return [((row.changed_at, row.idempotency_key), outcome_of(row)) for row in rows]
