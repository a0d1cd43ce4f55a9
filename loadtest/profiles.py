"""What is the shop loaded with? A profile is a set of weighted journeys, the RPCs of which arrive one by one.

`shop` is the traffic of a shop; most others put one service under load, for a knee of its own (`argosy load capacity`).
Those learn what there is from the catalog once, and then ask the one service many times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.recommendations.v1 import recommendations_pb2

from loadtest.journeys import (
    BROWSE,
    ORDER_TIMEOUT,
    RECOMMENDATIONS,
    SEARCH,
    SHOP,
    WORDS,
    Call,
    Journey,
    Story,
    Visitor,
)
from loadtest.shopping import pick_card, wish

CALLS = 50  # of the service under load, in each visit
SEARCHED = 0.2  # of the calls of catalog; to search costs it most


@dataclass(frozen=True)
class Profile:
    """One kind of load."""

    about: str
    journeys: tuple[Journey, ...]


def _again_and_again(name: str, ask: Callable[[Visitor, list[str]], Call]) -> tuple[Journey, ...]:
    """One journey: the first page, then calls about what is on it."""

    def visit(visitor: Visitor) -> Story:
        page = yield Call(catalog_pb2.ListProductsRequest(page_size=20))
        products = [product.id for product in page.products]
        for _ in range(CALLS):
            yield ask(visitor, products)

    return (Journey(name, 1, visit),)


def _look(visitor: Visitor, products: list[str]) -> Call:
    if visitor.random.random() < SEARCHED:
        return Call(catalog_pb2.SearchProductsRequest(query=visitor.random.choice(WORDS), page_size=10))
    return Call(catalog_pb2.GetProductRequest(product_id=visitor.random.choice(products)))


def _stock(_visitor: Visitor, products: list[str]) -> Call:
    return Call(inventory_pb2.GetStockRequest(product_ids=products))


def _fill(visitor: Visitor, products: list[str]) -> Call:
    product_id, quantity = visitor.random.choice(products), visitor.random.randint(1, 3)
    return Call(cart_pb2.SetItemRequest(customer_id=visitor.customer_id, product_id=product_id, quantity=quantity))


def _recommend(visitor: Visitor, products: list[str]) -> Call:
    one = visitor.random.choice(products)
    return Call(recommendations_pb2.ListRecommendationsRequest(product_ids=[one], count=5))


def _order(visitor: Visitor, products: list[str]) -> Call:
    wanted = wish(visitor.random, products, visitor.customer_id, pick_card(visitor.random))
    return Call(wanted.request, ORDER_TIMEOUT, wanted.deserved)


PROFILES: Mapping[str, Profile] = {
    "shop": Profile("everything customers do, as they mix it", SHOP),
    "browsing": Profile("customers who only look", (BROWSE, SEARCH, RECOMMENDATIONS)),
    "catalog": Profile("single products, and some searches", _again_and_again("look", _look)),
    "inventory": Profile("what is in stock", _again_and_again("stock", _stock)),
    "cart": Profile("carts that are filled", _again_and_again("cart", _fill)),
    "recommendations": Profile("what else one might like", _again_and_again("recommend", _recommend)),
    "orders": Profile("PlaceOrder, and through it every service it needs", _again_and_again("order", _order)),
}
