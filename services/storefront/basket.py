"""What is somebody about to buy, at which prices? Pure: a cart and the products of now make lines, sums and remarks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop.cart.v1.cart_pb2 import CartItem
from shop.catalog.v1.catalog_pb2 import Product
from shop.money.v1.money_pb2 import Money
from shop.orders.v1.orders_pb2 import OrderLine

from services.storefront import money

MOST_LINES = 50
MOST_PIECES = 100
_LINE = re.compile(r"([a-z0-9][a-z0-9-]{0,63})\*([0-9]{1,3})@([A-Z]{3}) ([0-9]{1,7})\.([0-9]{9})")


@dataclass(frozen=True)
class Line:
    """Some pieces of one product."""

    product: Product
    quantity: int
    seen: Money | None = None  # the price when it was put into the cart
    left: int | None = None  # how many there are, when it is known that they are too few

    @property
    def total(self) -> str:
        """What they cost together."""
        return money.worded(self._sum, self.product.price.currency_code)

    @property
    def remark(self) -> str:
        """What has changed since they were put into the cart."""
        if self.left is not None:
            return f"Only {self.left} left." if self.left else "Sold out."
        if self.seen is None or self.seen == self.product.price:
            return ""
        way = "more" if money.amount(self.product.price) > money.amount(self.seen) else "less"
        return f"The price has changed: it was {money.shown(self.seen)}, and is {way} now."

    @property
    def written(self) -> str:
        """The line as the check-out form carries it: what is bought is what was shown."""
        price = self.product.price
        return f"{self.product.id}*{self.quantity}@{price.currency_code} {price.units}.{price.nanos:09}"

    @property
    def _sum(self) -> Decimal:
        return money.amount(self.product.price) * self.quantity


@dataclass(frozen=True)
class Basket:
    """Everything that somebody is about to buy."""

    lines: Sequence[Line] = ()
    gone: Sequence[CartItem] = ()  # what is in the cart and no longer in the catalogue

    @property
    def currencies(self) -> Sequence[str]:
        """The currencies of the prices; an order has one."""
        return sorted({line.product.price.currency_code for line in self.lines})

    @property
    def total(self) -> str:
        """What it costs, in every currency there is."""
        sums = {code: Decimal(0) for code in self.currencies}
        for line in self.lines:
            sums[line.product.price.currency_code] += money.amount(line.product.price) * line.quantity
        return " + ".join(money.worded(value, code) for code, value in sums.items())

    @property
    def pieces(self) -> int:
        """How many there are of everything."""
        return sum(line.quantity for line in self.lines)


def basket(items: Iterable[CartItem], products: Mapping[str, Product]) -> Basket:
    """The cart with the products that are in it."""
    lines, gone = [], []
    for item in items:
        product = products.get(item.product_id)
        if product is None:
            gone.append(item)
        else:
            lines.append(Line(product, item.quantity, item.seen_price if item.HasField("seen_price") else None))
    return Basket(lines, gone)


def read(written: Sequence[str]) -> list[OrderLine] | None:
    """The lines that a check-out form carries; None when we have never written them so."""
    lines = [line for text in written if (line := _read_line(text))]
    ids = {line.product_id for line in lines}
    return lines if 0 < len(ids) == len(lines) == len(written) <= MOST_LINES else None


def _read_line(text: str) -> OrderLine | None:
    found = _LINE.fullmatch(text)
    if found is None or not 0 < int(found[2]) <= MOST_PIECES or int(found[4]) > money.LARGEST:
        return None
    price = Money(currency_code=found[3], units=int(found[4]), nanos=int(found[5]))
    return OrderLine(product_id=found[1], quantity=int(found[2]), unit_price=price)
