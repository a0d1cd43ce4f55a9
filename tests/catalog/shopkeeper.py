"""A catalog with everything that is around it in a pod, and somebody who calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.money.v1.money_pb2 import Money

from services.catalog.__main__ import CatalogSettings, build
from services.hosting import Host
from tests.hosting.running import FakeClock, serve

Paged = pb.ListProductsRequest | pb.SearchProductsRequest


@asynccontextmanager
async def catalog(url: str, clock: FakeClock | None = None, **given: Any) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a catalog on the database at `url`."""
    settings = CatalogSettings(
        listen_address="127.0.0.1:0",
        drain_delay_seconds=0,
        drain_seconds=0,
        database_url=url,
        **given,
    )
    host = Host(settings, clock=clock or FakeClock())
    async with build(settings, host) as hosted, serve(hosted, host) as channel:
        yield channel


class Shopkeeper:
    """Calls the catalog, each time with a deadline."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = CatalogServiceStub(channel)

    async def call(self, method: str, request: Message) -> Any:
        return await getattr(self._stub, method)(request, timeout=30)

    async def refused(self, method: str, request: Message) -> AioRpcError:
        with pytest.raises(AioRpcError) as caught:
            await self.call(method, request)
        return caught.value

    async def create(self, *products: pb.Product) -> list[pb.Product]:
        return [(await self.call("CreateProduct", pb.CreateProductRequest(product=one))).product for one in products]

    async def update(self, changed: pb.Product) -> pb.Product:
        updated: pb.Product = (await self.call("UpdateProduct", pb.UpdateProductRequest(product=changed))).product
        return updated

    async def found(self, query: str) -> list[str]:
        return await self.read(pb.SearchProductsRequest(query=query))

    async def read(self, request: Paged) -> list[str]:
        """The ids of all pages."""
        return [product_id async for page in self.pages(request) for product_id in page]

    async def pages(self, request: Paged) -> AsyncIterator[list[str]]:
        """The ids of one page after the other."""
        asked = deepcopy(request)
        while True:
            answer = await self.call(method_of(asked), asked)
            yield [product.id for product in answer.products]
            asked.page_token = answer.next_page_token
            if not asked.page_token:
                return


def method_of(request: Paged) -> str:
    return "ListProducts" if isinstance(request, pb.ListProductsRequest) else "SearchProducts"


def euros(units: int, nanos: int = 0, *, currency: str = "EUR") -> Money:
    return Money(currency_code=currency, units=units, nanos=nanos)


def product(product_id: str = "mug", **other: Any) -> pb.Product:
    price = euros(12, 500_000_000)
    content: dict[str, Any] = {"id": product_id, "name": "Mug", "description": "Holds tea.", "price": price}
    return pb.Product(**content | other)
