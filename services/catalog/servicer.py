"""How is the catalog's contract kept? Requests to works of one transaction, products to messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grpc.aio import ServicerContext
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceServicer
from shop.money.v1.money_pb2 import Money

from services.catalog import listing, store
from services.catalog.listing import Filter, Listed, Order
from services.catalog.products import Product, Stored
from services.catalog.words import words
from services.hosting import paging
from services.hosting.clock import timestamp
from services.hosting.database import Database
from services.hosting.errors import InvalidRequest, NotFound

PAGE_SIZE = 20
ORDERS: Mapping[int, Order] = {
    pb.PRODUCT_ORDER_UNSPECIFIED: listing.BY_ID,
    pb.PRODUCT_ORDER_PRICE: listing.BY_PRICE,
    pb.PRODUCT_ORDER_PRICE_DESCENDING: listing.BY_PRICE_DESCENDING,
    pb.PRODUCT_ORDER_NAME: listing.BY_NAME,
}

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
        wanted, size = from_filter(request.filter), request.page_size or PAGE_SIZE
        kind = repr(("products", wanted, request.order))
        after = paging.decode(kind, request.page_token)
        found = await self._database.read(listing.products, wanted, ORDERS[request.order], after, size + 1)
        products, more = _page(kind, found, size)
        return pb.ListProductsResponse(products=products, next_page_token=more)

    async def ListCategories(self, request: pb.ListCategoriesRequest, context: Context) -> pb.ListCategoriesResponse:
        del request, context
        found = await self._database.read(listing.categories)
        return pb.ListCategoriesResponse(categories=[pb.Category(id=each, product_count=n) for each, n in found])

    async def SearchProducts(self, request: pb.SearchProductsRequest, context: Context) -> pb.SearchProductsResponse:
        del context
        query = sorted(set(words(request.query)))
        if not query:
            raise InvalidRequest("QUERY_EMPTY", "must hold a word", field="query")
        wanted, size = from_filter(request.filter), request.page_size or PAGE_SIZE
        kind = repr(("search", query, wanted))
        after = paging.decode(kind, request.page_token)
        found = await self._database.read(listing.holding, query, wanted, after, size + 1)
        products, more = _page(kind, found, size)
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


def from_filter(message: pb.ProductFilter) -> Filter:
    """Which products are wanted. Raises InvalidRequest when the two prices cannot be compared."""
    least = message.min_price if message.HasField("min_price") else None
    most = message.max_price if message.HasField("max_price") else None
    currencies = {price.currency_code for price in (least, most) if price}
    if len(currencies) > 1:
        raise InvalidRequest("CURRENCIES_DIFFER", "must be in the currency of min_price", field="filter.max_price")
    return Filter(
        category=message.category,
        currency_code="".join(currencies),
        least=(least.units, least.nanos) if least else None,
        most=(most.units, most.nanos) if most else None,
    )


def from_message(message: pb.Product) -> Product:
    """The content of a product; `etag` and `update_time` are the server's."""
    price = message.price
    return Product(
        message.id,
        message.name,
        message.description,
        price.currency_code,
        price.units,
        price.nanos,
        message.category,
        message.picture,
    )


def to_message(stored: Stored) -> pb.Product:
    product = stored.product
    return pb.Product(
        id=product.id,
        name=product.name,
        description=product.description,
        price=Money(currency_code=product.currency_code, units=product.units, nanos=product.nanos),
        etag=stored.etag,
        update_time=timestamp(stored.updated_at),
        category=product.category,
        picture=product.picture,
    )


def _page(kind: str, found: Sequence[Listed], size: int) -> tuple[list[pb.Product], str]:
    """One page of a list, and the token of the next."""
    listed, more = paging.page(kind, found, size, lambda one: one.key)
    return [to_message(one.stored) for one in listed], more


def _not_found(product_id: str, field: str) -> NotFound:
    return NotFound(
        "PRODUCT_NOT_FOUND", "there is no product with this id", field=field, metadata={"product_id": product_id}
    )
