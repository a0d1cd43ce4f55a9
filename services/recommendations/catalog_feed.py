"""Which products are there, and of which category? Read from catalog every minute, and kept."""

from __future__ import annotations

from contextlib import aclosing

from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from services.hosting.database import Database
from services.hosting.pages import pages
from services.recommendations import knowledge

PAGE = 100
MOST_PRODUCTS = 20_000
"""So many are known at most, the first by id."""


class CatalogFeed:
    """Learns which products exist: what makes recommendations before anybody has bought anything."""

    def __init__(self, database: Database, catalog: CatalogServiceStub) -> None:
        self._database, self._catalog = database, catalog

    async def feed(self) -> None:
        """Read all products, a page a transaction. Raises Unreadable."""

        async def fetch(token: str) -> pb.ListProductsResponse:
            return await self._catalog.ListProducts(pb.ListProductsRequest(page_size=PAGE, page_token=token))

        met = 0
        async with aclosing(pages("catalog", fetch)) as listed:
            async for page in listed:
                categories = {product.id: product.category for product in page.products}
                if categories:
                    await self._database.write(knowledge.meet, categories)
                met += len(categories)
                if met >= MOST_PRODUCTS:
                    break
