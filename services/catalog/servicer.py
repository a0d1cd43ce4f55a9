"""How is the catalog's contract kept? Requests to works of one transaction, products to messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from grpc.aio import ServicerContext
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceServicer
from shop.money.v1.money_pb2 import Money

from services.catalog import store
from services.catalog.products import Product, Stored, folded
from services.hosting import paging
from services.hosting.clock import timestamp
from services.hosting.database import Database
from services.hosting.errors import InvalidRequest, NotFound

PAGE_SIZE = 20

Context = ServicerContext[Any, Any]


class CatalogServicer(CatalogServiceServicer):
    """The products in one database. `now` gives microseconds since 1970."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    async def GetProduct(self, request: pb.GetProductRequest, context: Context) -> pb.GetProductResponse:
        del context
        found = await self._database.read(store.find, [request.product_id])
        if request.product_id not in found:
            raise _not_found(request.product_id, "product_id")
        return pb.GetProductResponse(product=to_message(found[request.product_id]))

    async def BatchGetProducts(
        self, request: pb.BatchGetProductsRequest, context: Context
    ) -> pb.BatchGetProductsResponse:
        del context
        found = await self._database.read(store.find, list(request.product_ids))
        for place, product_id in enumerate(request.product_ids):
            if product_id not in found:
                raise _not_found(product_id, f"product_ids[{place}]")
        return pb.BatchGetProductsResponse(products=[to_message(found[key]) for key in request.product_ids])

    async def ListProducts(self, request: pb.ListProductsRequest, context: Context) -> pb.ListProductsResponse:
        del context
        products, more = await self._page("products", (), request)
        return pb.ListProductsResponse(products=products, next_page_token=more)

    async def SearchProducts(self, request: pb.SearchProductsRequest, context: Context) -> pb.SearchProductsResponse:
        del context
        words = sorted(set(folded(request.query).split()))
        if not words:
            raise InvalidRequest("QUERY_EMPTY", "must hold a word", field="query")
        products, more = await self._page(f"search {words}", words, request)
        return pb.SearchProductsResponse(products=products, next_page_token=more)

    async def CreateProduct(self, request: pb.CreateProductRequest, context: Context) -> pb.CreateProductResponse:
        del context
        stored = await self._database.write(store.create, from_message(request.product), self._now())
        return pb.CreateProductResponse(product=to_message(stored))

    async def UpdateProduct(self, request: pb.UpdateProductRequest, context: Context) -> pb.UpdateProductResponse:
        del context
        if not request.product.etag:
            raise InvalidRequest("ETAG_MISSING", "must be the product's current etag", field="product.etag")
        product = from_message(request.product)
        stored = await self._database.write(store.update, product, request.product.etag, self._now())
        return pb.UpdateProductResponse(product=to_message(stored))

    async def _page(
        self, kind: str, words: Sequence[str], request: pb.ListProductsRequest | pb.SearchProductsRequest
    ) -> tuple[list[pb.Product], str]:
        """One page of a list, and the token of the next."""
        size = request.page_size or PAGE_SIZE
        after = paging.decode(kind, request.page_token)
        found = await self._database.read(store.page, words, after, size + 1)
        products, more = paging.page(kind, found, size, lambda stored: stored.product.id)
        return [to_message(stored) for stored in products], more


def from_message(message: pb.Product) -> Product:
    """The content of a product; `etag` and `update_time` are the server's."""
    price = message.price
    return Product(message.id, message.name, message.description, price.currency_code, price.units, price.nanos)


def to_message(stored: Stored) -> pb.Product:
    product = stored.product
    return pb.Product(
        id=product.id,
        name=product.name,
        description=product.description,
        price=Money(currency_code=product.currency_code, units=product.units, nanos=product.nanos),
        etag=stored.etag,
        update_time=timestamp(stored.updated_at),
    )


def _not_found(product_id: str, field: str) -> NotFound:
    return NotFound(
        "PRODUCT_NOT_FOUND", "there is no product with this id", field=field, metadata={"product_id": product_id}
    )
