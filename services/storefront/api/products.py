"""Products, for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from shop.catalog.v1 import catalog_pb2 as pb
from shop.recommendations.v1 import recommendations_pb2

from services.storefront.api import models
from services.storefront.api.problems import documented
from services.storefront.dependencies import ProductId, TheShop

router = APIRouter(tags=["products"])

_ORDERS = {
    "id": pb.PRODUCT_ORDER_UNSPECIFIED,
    "name": pb.PRODUCT_ORDER_NAME,
    "price": pb.PRODUCT_ORDER_PRICE,
    "-price": pb.PRODUCT_ORDER_PRICE_DESCENDING,
}


@router.get("/products", responses=documented())
async def list_products(  # noqa: PLR0917  # the parameters of a query have names
    shop: TheShop,
    q: Annotated[str, Query(max_length=100, description="Words; then the best match comes first.")] = "",
    category: Annotated[str, Query(max_length=32, pattern="^([a-z0-9][a-z0-9-]*)?$")] = "",
    order: Annotated[Literal["id", "name", "price", "-price"], Query(description="Without words.")] = "id",
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: Annotated[str, Query(max_length=256)] = "",
) -> models.Products:
    """Products, a page at a time: all, of a category, or those that have the words."""
    only = pb.ProductFilter(category=category)
    found: pb.SearchProductsResponse | pb.ListProductsResponse
    if q:
        query = pb.SearchProductsRequest(query=q, page_size=page_size, page_token=page_token, filter=only)
        found = await shop.catalog.SearchProducts(query)
    else:
        asked = pb.ListProductsRequest(page_size=page_size, page_token=page_token, filter=only, order=_ORDERS[order])
        found = await shop.catalog.ListProducts(asked)
    return models.Products(products=list(map(models.product, found.products)), next_page_token=found.next_page_token)


@router.get("/products/{product_id}", responses=documented(404))
async def get_product(shop: TheShop, product_id: ProductId) -> models.Product:
    """One product."""
    return models.product((await shop.catalog.GetProduct(pb.GetProductRequest(product_id=product_id))).product)


@router.get("/products/{product_id}/recommendations", responses=documented())
async def list_recommendations(
    shop: TheShop, product_id: ProductId, count: Annotated[int, Query(ge=1, le=20)] = 4
) -> list[models.Recommendation]:
    """What else somebody might like who looks at this product. Best effort: 503 or 504 means that nobody knows."""
    asked = recommendations_pb2.ListRecommendationsRequest(product_ids=[product_id], count=count)
    answer = await shop.recommendations.ListRecommendations(asked)
    reason = recommendations_pb2.Reason.Name
    return [
        models.Recommendation(product_id=one.product_id, reason=reason(one.reason).removeprefix("REASON_"))
        for one in answer.recommendations
    ]


@router.get("/categories", responses=documented())
async def list_categories(shop: TheShop) -> list[models.Category]:
    """The categories, with how many products each has."""
    answer = await shop.catalog.ListCategories(pb.ListCategoriesRequest())
    return [models.Category(id=one.id, product_count=one.product_count) for one in answer.categories]
