"""How do tests teach recommendations, and look at what it has learnt? With the fewest words."""

from __future__ import annotations

from collections.abc import Mapping

from shop.recommendations.v1 import recommendations_pb2 as pb
from sqlalchemy import Connection, select

from services.hosting.database import Database
from services.recommendations import knowledge
from services.recommendations.ageing import FIRST_MONDAY
from services.recommendations.lessons import Lessons, Purchase, of_purchases
from services.recommendations.tables import PAIRS, PRODUCTS

Weight = tuple[float, float]  # of purchases, of looks


async def meet(database: Database, **categories: str) -> None:
    """These products exist."""
    await database.write(knowledge.meet, categories)


async def buy(database: Database, *orders: str, at: int = FIRST_MONDAY) -> None:
    """Each of the orders names its products: "mug rope"."""
    lessons = of_purchases(Purchase(tuple(order.split()), at) for order in orders)
    await database.write(knowledge.learn, lessons)


def learnt(connection: Connection) -> tuple[dict[str, Weight], dict[tuple[str, str], Weight]]:
    """The weights of products and of pairs that are not zero."""
    products = connection.execute(select(PRODUCTS)).all()
    pairs = connection.execute(select(PAIRS)).all()
    return (
        {row.product_id: (row.bought, row.viewed) for row in products if row.bought or row.viewed},
        {(row.product_id, row.other_id): (row.bought, row.viewed) for row in pairs},
    )


def weights(lessons: Lessons) -> tuple[dict[str, Weight], dict[tuple[str, str], Weight]]:
    """The same of lessons."""
    return (
        {product: (each.bought, each.viewed) for product, each in lessons.products.items()},
        {pair: (each.bought, each.viewed) for pair, each in lessons.pairs.items()},
    )


def about(*product_ids: str, count: int = 0, seed: int = 0) -> pb.ListRecommendationsRequest:
    return pb.ListRecommendationsRequest(product_ids=product_ids, count=count, seed=seed)


def reasons(answer: pb.ListRecommendationsResponse) -> Mapping[str, str]:
    """Why each product is recommended, in the order of the answer."""
    return {each.product_id: pb.Reason.Name(each.reason).removeprefix("REASON_") for each in answer.recommendations}
