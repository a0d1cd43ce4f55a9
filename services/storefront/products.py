"""How are products found by their ids? Those that are there, whoever else has gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1.catalog_pb2 import BatchGetProductsRequest, GetProductRequest, Product
from shop.inventory.v1.inventory_pb2 import GetStockRequest
from shop.recommendations.v1.recommendations_pb2 import ListRecommendationsRequest

from services.storefront.shop import BRIEFLY, Shop

SUGGESTIONS = 4


async def found(shop: Shop, ids: Sequence[str]) -> Mapping[str, Product]:
    """The products with these ids, by id; those there are. Raises AioRpcError."""
    if not ids:
        return {}
    try:
        answer = await shop.catalog.BatchGetProducts(BatchGetProductsRequest(product_ids=ids))
    except AioRpcError as error:
        if error.code() is not StatusCode.NOT_FOUND:
            raise
        return await _one_by_one(shop, ids)
    return {product.id: product for product in answer.products}


async def _one_by_one(shop: Shop, ids: Sequence[str]) -> Mapping[str, Product]:
    """As `found`, when one of them has gone, and catalog names only the first."""
    products = {}
    for product_id in ids:
        try:
            products[product_id] = (await shop.catalog.GetProduct(GetProductRequest(product_id=product_id))).product
        except AioRpcError as error:
            if error.code() is not StatusCode.NOT_FOUND:
                raise
    return products


async def available(shop: Shop, product_id: str) -> int | None:
    """How many pieces are free; None when inventory cannot say."""
    asked = GetStockRequest(product_ids=[product_id])
    answer = await shop.if_possible("inventory", shop.inventory.GetStock(asked, timeout=BRIEFLY))
    return None if answer is None else answer.stock[0].available


async def suggestions(shop: Shop, about: Sequence[str]) -> Sequence[Product] | None:
    """What else somebody might like; None when nobody can say. Never later than a page can wait."""
    asked = ListRecommendationsRequest(product_ids=about[:50], count=SUGGESTIONS)
    answer = await shop.if_possible("recommendations", shop.recommendations.ListRecommendations(asked, timeout=BRIEFLY))
    if answer is None:
        return None
    ids = [one.product_id for one in answer.recommendations]
    products = await shop.if_possible("catalog", found(shop, ids))
    return None if products is None else [products[one] for one in ids if one in products]
