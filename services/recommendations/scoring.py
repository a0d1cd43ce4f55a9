"""What is recommended, and why? Pure: from what is known about the products to the best of them.

First come those bought or seen together with what was asked about. How often alone says little: everybody buys mugs.
So it is set in relation to how often each is bought at all (the cosine of the two), less a doubt that one coincidence
cannot overcome:

    similarity = together / (sqrt(one * other) + doubt)

Then come the most popular of the same categories, those nobody knows yet, and the same of all other products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from math import sqrt
from typing import NamedTuple

from services.recommendations import lots

A_LOOK = 0.125
"""What a look is worth: eight of them are as good as a purchase."""

DOUBT = 2.0
"""How many coincidences of this week are taken for one."""


class Reason(Enum):
    BOUGHT_TOGETHER = "BOUGHT_TOGETHER"
    VIEWED_TOGETHER = "VIEWED_TOGETHER"
    POPULAR = "POPULAR"
    SAME_CATEGORY = "SAME_CATEGORY"
    OTHER = "OTHER"


class Product(NamedTuple):
    """What is known of a product: weights of purchases and looks, and its number in the draw."""

    product_id: str
    category: str
    number: int
    bought: float
    viewed: float

    @property
    def popularity(self) -> float:
        return self.bought + A_LOOK * self.viewed


class Tie(NamedTuple):
    """What binds a product that was asked about to another."""

    product_id: str
    other: Product
    bought: float
    viewed: float


@dataclass(frozen=True)
class Evidence:
    """What is known for one question: the products it names, what they are tied to, and others by popularity."""

    asked: Sequence[Product]
    ties: Sequence[Tie]
    others: Sequence[Product]


class Recommendation(NamedTuple):
    product_id: str
    reason: Reason


def best(evidence: Evidence, *, count: int, factor: int, today: float) -> list[Recommendation]:
    """The `count` best, each once. `today` is what a purchase counts now; `factor` draws the lots."""
    found: dict[str, Recommendation] = {}
    for recommendation in (*_together(evidence, factor, DOUBT * today), *_for_want_of_better(evidence, factor)):
        found.setdefault(recommendation.product_id, recommendation)
    return list(islice(found.values(), count))


def _together(evidence: Evidence, factor: int, doubt: float) -> Iterator[Recommendation]:
    asked = {product.product_id: product for product in evidence.asked}
    bought, viewed = dict[Product, float](), dict[Product, float]()
    for tie in sorted(evidence.ties, key=lambda each: each.product_id):  # sums of floats depend on their order
        one, other = asked[tie.product_id], tie.other
        bought[other] = bought.get(other, 0.0) + _similarity(tie.bought, one.bought, other.bought, doubt)
        viewed[other] = viewed.get(other, 0.0) + A_LOOK * _similarity(tie.viewed, one.viewed, other.viewed, doubt)
    for product in _sorted(bought, lambda each: bought[each] + viewed[each], factor):
        first = bought[product] >= viewed[product]
        yield Recommendation(product.product_id, Reason.BOUGHT_TOGETHER if first else Reason.VIEWED_TOGETHER)


def _similarity(together: float, one: float, other: float, doubt: float) -> float:
    return together / (sqrt(one * other) + doubt)


def _for_want_of_better(evidence: Evidence, factor: int) -> Iterator[Recommendation]:
    categories = {product.category for product in evidence.asked if product.category}
    near = [product for product in evidence.others if product.category in categories]
    far = [product for product in evidence.others if product.category not in categories]
    for products, unknown in ((near, Reason.SAME_CATEGORY), (far, Reason.OTHER)):
        for product in _sorted(products, lambda each: each.popularity, factor):
            yield Recommendation(product.product_id, Reason.POPULAR if product.popularity else unknown)


def _sorted(products: Iterable[Product], score: Callable[[Product], float], factor: int) -> list[Product]:
    return sorted(products, key=lambda each: (-score(each), lots.lot(each.number, factor), each.product_id))
