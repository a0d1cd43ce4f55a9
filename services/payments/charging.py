"""How is money taken once and given back once, although processes die in between?

The gateway decides first, then payments writes its decision down. Whoever dies between the two leaves a decision that
the same key finds again: a repeated Charge gets the outcome instead of charging anew, a Refund gives the money back,
and reconciliation.py writes down what nobody asks for any more.
"""

from __future__ import annotations

from services.hosting.database import Database
from services.payments import ledger
from services.payments.card_gateway import CardGateway
from services.payments.payment import Card, ChargeOrder, Payment, State, given_back, taken


class Charging:
    """Takes money and gives it back, each once per key."""

    def __init__(self, database: Database, gateway: CardGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def charge(self, order: ChargeOrder, card: Card) -> Payment:
        """Take the money. Raises AlreadyExists, PreconditionFailed (see `taken`) and CardGatewayUnavailable."""
        payment = await self._database.read(ledger.find, order.key)
        if payment is None:
            outcome = await self._gateway.charge(order, card)
            payment = await self._database.write(ledger.record, outcome)
        return taken(payment, order)

    async def refund(self, key: str, order_id: str) -> Payment:
        """Give the money back, or void the key. Raises PreconditionFailed (ORDER_MISMATCH), CardGatewayUnavailable."""
        payment = await self._database.read(ledger.find, key)
        if payment is None or payment.outcome.state is State.CHARGED:
            outcome = await self._gateway.refund(key, order_id)
            payment = await self._database.write(ledger.record, outcome)
        return given_back(payment, order_id)
