"""What else is served that is no page? Pictures, the style sheet and the script, and a word for whoever probes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from grpc.aio import AioRpcError
from shop.catalog.v1.catalog_pb2 import GetProductRequest

from services.storefront.dependencies import ProductId, TheShop
from services.storefront.pictures import drawing

router = APIRouter()

KEPT = "public, max-age=31536000, immutable"  # its address says what is drawn
LOOKED_AT_AGAIN = "public, max-age=60"


@router.get("/pictures/{product_id}.svg")
async def picture(
    shop: TheShop, product_id: ProductId, drawn_as: Annotated[str | None, Query(alias="as", max_length=64)] = None
) -> Response:
    """How a product looks. Pages say it in the address; for others catalog is asked."""
    kept = KEPT
    if drawn_as is None:
        kept = LOOKED_AT_AGAIN
        drawn_as = await _picture_of(shop, product_id)
    return Response(drawing.drawn(product_id, drawn_as), media_type="image/svg+xml", headers={"cache-control": kept})


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Whether this process answers; what it calls is its own business."""
    return PlainTextResponse("ok\n")


@router.get("/favicon.ico")
async def favicon() -> RedirectResponse:
    return RedirectResponse("/static/argosy.svg")


async def _picture_of(shop: TheShop, product_id: str) -> str:
    try:
        return (await shop.catalog.GetProduct(GetProductRequest(product_id=product_id))).product.picture
    except AioRpcError:
        return ""  # the parcel: a picture is never worth an error
