"""What is learnt from an order, and from what somebody has looked at? Pure.

A hundred mugs are one decision: quantities do not count. Only the first ten products of an order, and the last ten
that somebody looked at, are taken for company: a basket of fifty says little about any two of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import NamedTuple

from services.recommendations.ageing import weight

COMPANY = 10  # products
SITTING = 30 * 60_000_000  # microseconds: what somebody looks at within it belongs together


class Purchase(NamedTuple):
    """What was bought in one order, and when: microseconds since 1970."""

    products: tuple[str, ...]
    at: int


class View(NamedTuple):
    """Somebody has looked at a product."""

    at: int
    product_id: str
    customer_id: str


@dataclass
class Weights:
    """How often, later purchases and looks counting more."""

    bought: float = 0.0
    viewed: float = 0.0


@dataclass(frozen=True)
class Lessons:
    """What is to be added to what is known: of products, and of pairs of them, each pair in both orders."""

    products: dict[str, Weights] = field(default_factory=lambda: defaultdict(Weights))
    pairs: dict[tuple[str, str], Weights] = field(default_factory=lambda: defaultdict(Weights))


def of_purchases(purchases: Iterable[Purchase]) -> Lessons:
    """Each product was bought, and each with each other."""
    lessons = Lessons()
    for purchase in purchases:
        counts, products = weight(purchase.at), list(dict.fromkeys(purchase.products))
        for product in products:
            lessons.products[product].bought += counts
        for pair in permutations(products[:COMPANY], 2):
            lessons.pairs[pair].bought += counts
    return lessons


def of_views(new: Iterable[View], recent: Sequence[View]) -> Lessons:
    """Each was seen, and with what its customer had seen just before. `recent` has all of them, also the new."""
    lessons = Lessons()
    seen = defaultdict[str, list[View]](list)
    for view in sorted(recent):
        seen[view.customer_id].append(view)
    for view in new:
        counts = weight(view.at)
        lessons.products[view.product_id].viewed += counts
        before = [each for each in seen[view.customer_id] if each < view and view.at - each.at <= SITTING]
        for other in before[-COMPANY:]:
            lessons.pairs[view.product_id, other.product_id].viewed += counts
            lessons.pairs[other.product_id, view.product_id].viewed += counts
    return lessons
