"""What is to be known of one product, and what goes with it?"""

from __future__ import annotations

import asyncio
import uuid

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from shop.catalog.v1.catalog_pb2 import GetProductRequest

from services.storefront import products
from services.storefront.basket import Line
from services.storefront.categories import face
from services.storefront.dependencies import ProductId, ThePage

router = APIRouter()


@router.get("/products/{product_id}", response_class=HTMLResponse)
async def product(request: Request, page: ThePage, product_id: ProductId) -> HTMLResponse:
    beside = asyncio.gather(
        products.available(page.shop, product_id),
        products.suggestions(page.shop, [product_id]),
        return_exceptions=False,
    )
    try:
        found = (await page.shop.catalog.GetProduct(GetProductRequest(product_id=product_id))).product
        available, suggested = await beside
    finally:
        beside.cancel()
    request.app.state.views.tell(page.visitor.id, product_id)
    return await page.html(
        "product.html",
        product=found,
        face=face(found.category) if found.category else None,
        seen=Line(found, 1).written,
        key=uuid.uuid4(),
        available=available,
        suggested=suggested,
    )
