"""Who comes to the shop, and what do they do there?

Three of four only look; one of four buys. Every visit is a story whose choices come from the user's own random
generator; a step is one call, and customers think between two steps.
"""

from collections.abc import Iterator

from locust import task
from shop.catalog.v1 import catalog_pb2
from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2

from loadtest.locust_grpc import GrpcUser
from loadtest.locust_process import register
from loadtest.shopping import pick_card, wish

register()

READ_TIMEOUT = 2.0  # seconds
ORDER_TIMEOUT = 5.0
WATCH_TIMEOUT = 5.0
WORDS = ("brass", "cotton", "mug", "rope", "storm-proof")


class Visitor(GrpcUser):
    """Somebody in the shop, a step at a time."""

    abstract = True

    def on_start(self) -> None:
        """Enters the shop."""
        super().on_start()
        self._story = self.visit()

    def wait_time(self) -> float:
        """Seconds to think between two steps."""
        return self.random.uniform(0.2, 0.8)

    @task
    def step(self) -> None:
        """The next step of the visit, or the first of the next visit."""
        if next(self._story, self) is self:
            self._story = self.visit()

    def visit(self) -> Iterator[None]:
        """One call before each `yield`; a failed one ends the visit."""
        raise NotImplementedError

    def browse(self) -> list[str]:
        """The ids of the products on the first page."""
        request = catalog_pb2.ListProductsRequest(page_size=20)
        page = self.ask(request, catalog_pb2.ListProductsResponse, timeout=READ_TIMEOUT)
        return [product.id for product in page.products]


class Browser(Visitor):
    """Looks around and buys nothing."""

    weight = 3

    def visit(self) -> Iterator[None]:
        """List, look at one, search, ask how many there are."""
        products = self.browse()
        yield
        one = self.random.choice(products)
        self.ask(catalog_pb2.GetProductRequest(product_id=one), catalog_pb2.GetProductResponse, timeout=READ_TIMEOUT)
        yield
        search = catalog_pb2.SearchProductsRequest(query=self.random.choice(WORDS), page_size=10)
        self.ask(search, catalog_pb2.SearchProductsResponse, timeout=READ_TIMEOUT)
        yield
        stock = inventory_pb2.GetStockRequest(product_ids=products)
        self.ask(stock, inventory_pb2.GetStockResponse, timeout=READ_TIMEOUT)
        yield


class Buyer(Visitor):
    """Knows what to buy, mostly with a card that pays, and watches the order arrive."""

    weight = 1

    def visit(self) -> Iterator[None]:
        """List, order, watch."""
        products = self.browse()
        yield
        wanted = wish(self.random, products, f"customer-{self.number}", pick_card(self.random))
        placed = self.ask(
            wanted.request, orders_pb2.PlaceOrderResponse, timeout=ORDER_TIMEOUT, deserved=wanted.deserved
        )
        yield
        watch = orders_pb2.WatchOrderRequest(order_id=placed.order.order_id)
        self.follow(watch, orders_pb2.WatchOrderResponse, timeout=WATCH_TIMEOUT)
        yield
