"""What is known about products, and how is more added? Works of one transaction (see services/hosting/database.py).

Rows are written in the order of their keys, products before pairs, so that no two who learn wait in a circle.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, func, select

from services.hosting.database import inserting
from services.recommendations import lots
from services.recommendations.lessons import COMPANY, Lessons
from services.recommendations.scoring import A_LOOK, Evidence, Product, Tie
from services.recommendations.tables import PAIRS, PRODUCTS

KEPT = 25
"""Pairs of one product that are kept when there are twice as many: the strongest."""

STRONGEST = 200
"""Pairs that one answer is made from."""

_POPULARITY = PRODUCTS.c.bought + A_LOOK * PRODUCTS.c.viewed
_STRENGTH = PAIRS.c.bought + A_LOOK * PAIRS.c.viewed


def evidence(connection: Connection, asked: Sequence[str], *, factor: int, others: int) -> Evidence:
    """What is known of the products asked about, and the `others` most popular, of their categories first.

    Only the first products are looked at for company, and only their strongest pairs: an answer takes milliseconds.
    """
    products = [Product(*row) for row in connection.execute(select(PRODUCTS).where(PRODUCTS.c.product_id.in_(asked)))]
    categories = {product.category for product in products if product.category}
    ties = (
        select(PAIRS.c.product_id, PAIRS.c.bought, PAIRS.c.viewed, *PRODUCTS.c)
        .join(PRODUCTS, PRODUCTS.c.product_id == PAIRS.c.other_id)
        .where(PAIRS.c.product_id.in_(asked[:COMPANY]), PAIRS.c.other_id.not_in(asked))
        .order_by(_STRENGTH.desc(), PAIRS.c.product_id, PAIRS.c.other_id)
        .limit(STRONGEST)
    )
    popular = (
        select(PRODUCTS)
        .where(PRODUCTS.c.product_id.not_in(asked))
        .order_by(
            PRODUCTS.c.category.in_(categories).desc(),
            _POPULARITY.desc(),
            PRODUCTS.c.number * factor % lots.PRIME,
        )
        .limit(others)
    )
    return Evidence(
        asked=products,
        ties=[Tie(one, Product(*other), bought, viewed) for one, bought, viewed, *other in connection.execute(ties)],
        others=[Product(*row) for row in connection.execute(popular)],
    )


def known(connection: Connection, product_ids: Collection[str]) -> set[str]:
    """Those of the products that exist, as far as is known."""
    return set(connection.scalars(select(PRODUCTS.c.product_id).where(PRODUCTS.c.product_id.in_(product_ids))))


def meet(connection: Connection, categories: Mapping[str, str]) -> None:
    """These products exist, and are of these categories."""
    rows = [_new(product_id, categories[product_id]) for product_id in sorted(categories)]
    fresh = inserting(connection, PRODUCTS)
    category = fresh.excluded.category
    connection.execute(
        fresh.on_conflict_do_update(
            index_elements=["product_id"], set_={"category": category}, where=PRODUCTS.c.category != category
        ),
        rows,
    )


def learn(connection: Connection, lessons: Lessons) -> None:
    """Add these lessons to what is known."""
    products = [
        _new(product_id) | {"bought": more.bought, "viewed": more.viewed}
        for product_id, more in sorted(lessons.products.items())
    ]
    pairs = [
        {"product_id": one, "other_id": other, "bought": more.bought, "viewed": more.viewed}
        for (one, other), more in sorted(lessons.pairs.items())
    ]
    for table, rows in ((PRODUCTS, products), (PAIRS, pairs)):
        if rows:
            fresh = inserting(connection, table)
            more = {name: table.c[name] + fresh.excluded[name] for name in ("bought", "viewed")}
            connection.execute(fresh.on_conflict_do_update(index_elements=table.primary_key, set_=more), rows)


def crowded(connection: Connection) -> Sequence[str]:
    """Products with so many pairs that the weak ones can go."""
    counted = select(PAIRS.c.product_id).group_by(PAIRS.c.product_id).having(func.count() > 2 * KEPT)
    return connection.scalars(counted).all()


def thin_out(connection: Connection, product_id: str) -> int:
    """Let go of all but the strongest pairs of a product; how many went."""
    of_it = PAIRS.c.product_id == product_id
    strongest = select(PAIRS.c.other_id).where(of_it).order_by(_STRENGTH.desc(), PAIRS.c.other_id).limit(KEPT)
    return connection.execute(delete(PAIRS).where(of_it, PAIRS.c.other_id.not_in(strongest))).rowcount


def _new(product_id: str, category: str = "") -> dict[str, object]:
    number = lots.number(product_id)
    return {"product_id": product_id, "category": category, "number": number, "bought": 0.0, "viewed": 0.0}
