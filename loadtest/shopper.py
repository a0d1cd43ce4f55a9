"""Who shops over grpc.aio? One customer on one channel, whose calls return an Outcome instead of raising.

    async with open_shopper("127.0.0.1:8080") as shopper:
        outcome = await shopper.place_order(timeout=3.0)

Every method fits `OpenLoop`: `OpenLoop(lambda _: shopper.place_order(timeout=3.0), rate=50)`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

from grpc import aio
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from loadtest.asking import answered
from loadtest.outcome import SUCCESS, Deserved, Kind, Outcome
from loadtest.shopping import GOOD_CARD, OVER, TestCard, wish

GATEWAY = "127.0.0.1:8080"
CONNECTION = (
    ("grpc.use_local_subchannel_pool", 1),
    # People whose gateway comes back come back with it; gRPC alone would wait up to two minutes before it tries again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Shopper:
    """A customer of the shop behind `channel`; `random` decides what is wanted."""

    def __init__(self, channel: aio.Channel, *, random: Random, customer_id: str = "shopper") -> None:
        self._catalog = CatalogServiceStub(channel)
        self._orders = OrdersServiceStub(channel)
        self._random = random
        self._customer_id = customer_id
        self.product_ids: Sequence[str] = ()

    async def learn_products(self, *, timeout: float = 5.0) -> Sequence[str]:
        """What stands in front, the ids of the catalog's first page: most customers buy what most customers buy.

        Kept for later calls. Raises grpc.aio.AioRpcError when they cannot be had.
        """
        page = await self._catalog.ListProducts(catalog_pb2.ListProductsRequest(), timeout=timeout)
        self.product_ids = tuple(product.id for product in page.products)
        return self.product_ids

    async def get_product(self, *, timeout: float = 2.0) -> Outcome:
        """Some product."""
        request = catalog_pb2.GetProductRequest(product_id=self._random.choice(self.product_ids))
        return await _outcome("GetProduct", self._catalog.GetProduct(request, timeout=timeout))

    async def place_order(
        self, *, timeout: float = 5.0, presses: int = 1, pause: float = 0.2, card: TestCard = GOOD_CARD
    ) -> Outcome:
        """A new order, `timeout` seconds for each press of the button.

        A customer who got no answer (UNAVAILABLE, DEADLINE_EXCEEDED, ...) presses again after `pause` seconds, up to
        `presses` times in all and with the same idempotency key: it stays one order. One who was told that the order
        came to nothing, and that nothing was kept, orders the same things anew.
        """
        wanted = wish(self._random, self.product_ids, self._customer_id, card)
        tries = 0
        while True:
            tries += 1
            call = self._orders.PlaceOrder(wanted.request, timeout=timeout)
            outcome = await _outcome("PlaceOrder", call, wanted.deserved)
            over = outcome.reason in OVER
            if not (over or outcome.kind is Kind.UNAVAILABLE) or tries >= presses:
                return replace(outcome, tries=tries)
            wanted = wanted.anew() if over else wanted
            await asyncio.sleep(pause)


async def _outcome(label: str, call: aio.UnaryUnaryCall[Any, Any], deserved: Deserved = SUCCESS) -> Outcome:
    response, outcome = await answered(label, call, deserved)
    if isinstance(response, orders_pb2.PlaceOrderResponse):
        return replace(outcome, order_id=response.order.order_id)
    return outcome


@asynccontextmanager
async def open_shopper(target: str = GATEWAY, *, seed: int = 1, customer_id: str = "shopper") -> AsyncIterator[Shopper]:
    """A shopper who knows what to buy, on a connection of its own. Raises grpc.aio.AioRpcError when nobody answers."""
    async with aio.insecure_channel(target, options=CONNECTION) as channel:
        shopper = Shopper(channel, random=Random(seed), customer_id=customer_id)  # noqa: S311 - choices, not secrets
        await shopper.learn_products()
        yield shopper
