"""What does somebody see who comes in? What there is, what others like, and one category for the day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from shop.catalog.v1.catalog_pb2 import ListCategoriesRequest, ListProductsRequest, Product, ProductFilter

from services.storefront import products
from services.storefront.categories import face
from services.storefront.dependencies import ThePage
from services.storefront.shop import Shop

router = APIRouter()

SHOWN = 8


@router.get("/", response_class=HTMLResponse)
async def home(request: Request, page: ThePage) -> HTMLResponse:
    shop = page.shop
    favourites = asyncio.create_task(products.suggestions(shop, []))
    try:
        categories = (await shop.catalog.ListCategories(ListCategoriesRequest())).categories
        ids = [category.id for category in categories]
        today = ids[request.app.state.now().toordinal() % len(ids)] if ids else ""
        return await page.html(
            "home.html",
            categories=[(face(category.id), category.product_count) for category in categories],
            today=face(today) if today else None,
            of_today=await _of(shop, today),
            favourites=await favourites,
        )
    finally:
        favourites.cancel()


async def _of(shop: Shop, category: str) -> Sequence[Product]:
    asked = ListProductsRequest(page_size=SHOWN, filter=ProductFilter(category=category))
    return (await shop.catalog.ListProducts(asked)).products
