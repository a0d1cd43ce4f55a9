"""What do customers ask for?

Choices come from a seeded random generator, so two runs with one seed buy the same things in the same order.
Idempotency keys do not: a key seen before would make the shop return the old order instead of placing a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from uuid import uuid4

from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from loadtest.outcome import Deserved

OUT_OF_STOCK = "OUT_OF_STOCK"
OVER = frozenset({"INTERRUPTED", "INVENTORY_UNAVAILABLE", "OUT_OF_TIME", "PAYMENTS_UNAVAILABLE"})
"""Why an order came to nothing through no fault of the customer's: asked again with its key, the shop says the same."""
CURRENCY = "EUR"


@dataclass(frozen=True)
class TestCard:
    """A number the mock card gateway knows, and the reason it refuses with (empty: it pays)."""

    number: str
    refusal: str = ""

    @property
    def deserved(self) -> Deserved:
        """What an order paid with this card deserves. The shelf may always be empty."""
        if not self.refusal:
            return Deserved(frozenset({OUT_OF_STOCK}))
        return Deserved(frozenset({OUT_OF_STOCK, self.refusal}), success=False)


GOOD_CARD = TestCard("4242424242424242")
REFUSED_CARDS = (
    TestCard("4000000000000002", "CARD_DECLINED"),
    TestCard("4000000000009995", "INSUFFICIENT_FUNDS"),
    TestCard("4000000000000069", "CARD_EXPIRED"),
)
REFUSED_SHARE = 0.05  # of the orders, so that a short run sees some


class ShelvesEmpty(Exception):
    """The catalog lists no product, so nothing can be bought."""


@dataclass(frozen=True)
class Wish:
    """One order somebody wants: sent again with the same key it is still one order."""

    request: orders_pb2.PlaceOrderRequest
    deserved: Deserved

    def anew(self) -> "Wish":
        """The same things, as another order."""
        request = orders_pb2.PlaceOrderRequest()
        request.CopyFrom(self.request)
        request.idempotency_key = str(uuid4())
        return replace(self, request=request)


def pick_card(random: Random) -> TestCard:
    """Mostly the card that pays."""
    return random.choice(REFUSED_CARDS) if random.random() < REFUSED_SHARE else GOOD_CARD


def wish(random: Random, product_ids: Sequence[str], customer_id: str, card: TestCard = GOOD_CARD) -> Wish:
    """An order of one to three different products, one or two pieces each. Raises ShelvesEmpty."""
    if not product_ids:
        raise ShelvesEmpty("the catalog lists no product; seed it first")
    chosen = random.sample(sorted(product_ids), k=min(len(product_ids), random.randint(1, 3)))
    return Wish(
        orders_pb2.PlaceOrderRequest(
            idempotency_key=str(uuid4()),
            customer_id=customer_id,
            lines=[orders_pb2.OrderLine(product_id=each, quantity=random.randint(1, 2)) for each in chosen],
            currency_code=CURRENCY,
            card=payments_pb2.Card(number=card.number, expiry_month=12, expiry_year=2099, security_code="123"),
        ),
        card.deserved,
    )
