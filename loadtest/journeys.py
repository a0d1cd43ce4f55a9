"""Who comes to the shop, and what do they do there?

A journey is one visit, step by step: it yields the call it makes, is sent the answer, and ends when a call fails.
It knows neither Locust nor asyncio, so customers of a closed loop and of an open one do the same:

    story = BROWSE.visit(visitor)
    call = next(story)
    while True:
        call = story.send(answer_to(call))  # the message, or the list of messages of a stream

Every choice comes from the visitor's own random generator. Three of four only look, one of six orders: more than
come to any real shop to buy, for a short run is to see orders, too.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message
from shop.cart.v1 import cart_pb2
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.recommendations.v1 import recommendations_pb2

from loadtest.outcome import SUCCESS, Deserved
from loadtest.shopping import pick_card, wish

READ_TIMEOUT = 2.0  # seconds
ORDER_TIMEOUT = 5.0
WATCH_TIMEOUT = 5.0
WORDS = ("brass", "cotton", "mug", "rope", "storm-proof")
ALREADY_SETTLED = Deserved(frozenset({"ORDER_FAILED"}))


@dataclass(frozen=True)
class Visitor:
    """Somebody who comes to the shop, again and again."""

    customer_id: str
    random: Random


@dataclass(frozen=True)
class Call:
    """One RPC, the contract's by its request message; what it deserves, and how long the visitor waits."""

    request: Message
    timeout: float = READ_TIMEOUT  # seconds
    deserved: Deserved = SUCCESS


Story = Generator[Call, Any, None]
Part = Generator[Call, Any, Sequence[str]]
"""Steps that find out ids for those that follow."""


@dataclass(frozen=True)
class Journey:
    """What a visitor may come for, and how often, against the weights of the others."""

    name: str
    weight: float
    visit: Callable[[Visitor], Story]


def pick(journeys: Sequence[Journey], random: Random) -> Journey:
    """One of them, by weight."""
    return random.choices(journeys, [journey.weight for journey in journeys])[0]


def browse(visitor: Visitor) -> Story:
    """The categories, the first page, one product of it."""
    yield Call(catalog_pb2.ListCategoriesRequest())
    products = yield from _first_page()
    yield from _look_at(visitor, visitor.random.choice(products))


def search(visitor: Visitor) -> Story:
    """A word, one of the products found, and how many there are."""
    found = yield Call(catalog_pb2.SearchProductsRequest(query=visitor.random.choice(WORDS), page_size=10))
    products = [product.id for product in found.products] or (yield from _first_page())
    yield from _look_at(visitor, visitor.random.choice(products))
    yield Call(inventory_pb2.GetStockRequest(product_ids=products))


def follow_recommendations(visitor: Visitor) -> Story:
    """From one product to what is recommended beside it, and to the first of that."""
    products = yield from _first_page()
    one = visitor.random.choice(products)
    yield from _look_at(visitor, one)
    beside = yield Call(recommendations_pb2.ListRecommendationsRequest(product_ids=[one], count=5))
    if beside.recommendations:
        yield from _look_at(visitor, beside.recommendations[0].product_id)


def fill_a_cart(visitor: Visitor) -> Story:
    """Two products go into the cart, one is taken out again, and the cart is left standing."""
    products = yield from _first_page()
    chosen = visitor.random.sample(sorted(products), k=min(2, len(products)))
    for product_id in chosen:
        yield _into_cart(visitor, product_id, 1)
    yield Call(cart_pb2.SetItemRequest(customer_id=visitor.customer_id, product_id=chosen[0], quantity=0))
    yield Call(cart_pb2.GetCartRequest(customer_id=visitor.customer_id))


def order(visitor: Visitor) -> Story:
    """A cart is filled and ordered, mostly with a card that pays; what was ordered leaves it."""
    yield from _buy(visitor)


def track(visitor: Visitor) -> Story:
    """An order is placed, watched until it has arrived, and looked up afterwards."""
    for order_id in (yield from _buy(visitor)):
        yield Call(orders_pb2.WatchOrderRequest(order_id=order_id), WATCH_TIMEOUT)
        yield Call(orders_pb2.GetOrderRequest(order_id=order_id))
        yield Call(orders_pb2.ListOrdersRequest(customer_id=visitor.customer_id, page_size=20))


def cancel(visitor: Visitor) -> Story:
    """An order is placed and taken back."""
    for order_id in (yield from _buy(visitor)):
        yield Call(orders_pb2.CancelOrderRequest(order_id=order_id), ORDER_TIMEOUT, ALREADY_SETTLED)
        yield Call(orders_pb2.GetOrderRequest(order_id=order_id))


BROWSE = Journey("browse", 36, browse)
SEARCH = Journey("search", 22, search)
RECOMMENDATIONS = Journey("recommendations", 14, follow_recommendations)
CART = Journey("cart", 12, fill_a_cart)
ORDER = Journey("order", 8, order)
TRACK = Journey("track", 6, track)
CANCEL = Journey("cancel", 2, cancel)
SHOP = (BROWSE, SEARCH, RECOMMENDATIONS, CART, ORDER, TRACK, CANCEL)


def _first_page() -> Part:
    page = yield Call(catalog_pb2.ListProductsRequest(page_size=20))
    return [product.id for product in page.products]


def _look_at(visitor: Visitor, product_id: str) -> Story:
    """As the storefront does: the product, and a word to recommendations that it was looked at."""
    yield Call(catalog_pb2.GetProductRequest(product_id=product_id))
    yield Call(recommendations_pb2.RecordViewRequest(customer_id=visitor.customer_id, product_id=product_id))


def _buy(visitor: Visitor) -> Part:
    """The order's id."""
    products = yield from _first_page()
    wanted = wish(visitor.random, products, visitor.customer_id, pick_card(visitor.random))
    for line in wanted.request.lines:
        yield _into_cart(visitor, line.product_id, line.quantity)
    placed = yield Call(wanted.request, ORDER_TIMEOUT, wanted.deserved)
    items = [cart_pb2.CartItem(product_id=line.product_id, quantity=line.quantity) for line in wanted.request.lines]
    order_id = placed.order.order_id
    yield Call(cart_pb2.CheckOutRequest(customer_id=visitor.customer_id, order_id=order_id, items=items))
    return [order_id]


def _into_cart(visitor: Visitor, product_id: str, quantity: int) -> Call:
    item = cart_pb2.CartItem(product_id=product_id, quantity=quantity)
    key = str(uuid4())  # one seen before would put nothing in
    return Call(cart_pb2.AddItemRequest(customer_id=visitor.customer_id, item=item, idempotency_key=key))
