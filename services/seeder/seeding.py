"""How do goods come into a running shop? Over gRPC, as an admin would bring them, a few at once.

Interrupted or run twice at the same time, the next run finds what is missing and adds that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from services.hosting.pages import Unreadable, pages
from services.seeder.goods import Goods
from services.seeder.plan import Plan, first_stock_of, plan

AT_ONCE = 4
PAGE = 100

T = TypeVar("T")
Told = Callable[[str, int, int], None]
"""What is being added, how many are, and of how many."""


@dataclass(frozen=True)
class Seeded:
    """What was done."""

    goods: int
    added: int
    stocked: int
    changed: Sequence[str]

    def facts(self) -> dict[str, Any]:
        """For programs."""
        return {
            "products": self.goods,
            "added": self.added,
            "stocked": self.stocked,
            "left_as_they_are": list(self.changed),
        }


@dataclass(frozen=True)
class Seeding:
    """Goods on their way into the two services that keep them."""

    catalog: CatalogServiceStub
    inventory: InventoryServiceStub
    told: Told

    async def run(self, goods: Sequence[Goods]) -> Seeded:
        """Add what is missing. Raises Unreadable, whatever was added by then."""
        todo = await self._plan(goods)
        await self._each("products", "catalog", todo.to_add, self._add)
        await self._each("stock", "inventory", todo.to_stock, self._stock)
        return Seeded(len(goods), len(todo.to_add), len(todo.to_stock), todo.changed)

    async def _plan(self, goods: Sequence[Goods]) -> Plan:
        there = {product.id: product async for page in pages("catalog", self._page) for product in page.products}
        return plan(goods, there, await self._received([one.product.id for one in goods]))

    async def _page(self, token: str) -> catalog_pb2.ListProductsResponse:
        return await self.catalog.ListProducts(catalog_pb2.ListProductsRequest(page_size=PAGE, page_token=token))

    async def _received(self, ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in _groups(ids, PAGE):
            request = inventory_pb2.GetStockRequest(product_ids=some)
            answer = await _asked("inventory", self.inventory.GetStock(request))
            found |= {stock.product_id: stock.received for stock in answer.stock}
        return found

    async def _each(self, what: str, service: str, all_of: Sequence[T], add: Callable[[T], Awaitable[Any]]) -> None:
        done = 0
        for some in _groups(all_of, AT_ONCE):
            await asyncio.gather(*(_asked(service, add(one)) for one in some))
            done += len(some)
            self.told(what, done, len(all_of))

    async def _add(self, product: catalog_pb2.Product) -> None:
        await self.catalog.CreateProduct(catalog_pb2.CreateProductRequest(product=product))

    async def _stock(self, goods: Goods) -> None:
        line = inventory_pb2.StockLine(product_id=goods.product.id, quantity=goods.stock)
        key = first_stock_of(goods.product.id)
        await self.inventory.Restock(inventory_pb2.RestockRequest(idempotency_key=key, lines=[line]))


async def _asked(service: str, call: Awaitable[T]) -> T:
    """The answer. Raises Unreadable."""
    try:
        return await call
    except AioRpcError as error:
        raise Unreadable(service, error.code(), error.details()) from error


def _groups(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (of[begin : begin + size] for begin in range(0, len(of), size))
