"""How is something found? By words, by category, by price; a page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import HTMLResponse
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb

from services.storefront import money
from services.storefront.categories import face
from services.storefront.dependencies import ID, ThePage
from services.storefront.refusals import refusal
from services.storefront.rendering import Page

router = APIRouter()

SHOWN = 24
ORDERS: Mapping[str, tuple[str, pb.ProductOrder.ValueType]] = {
    "": ("as on the shelf", pb.PRODUCT_ORDER_UNSPECIFIED),
    "name": ("by name", pb.PRODUCT_ORDER_NAME),
    "cheapest": ("cheapest first", pb.PRODUCT_ORDER_PRICE),
    "dearest": ("dearest first", pb.PRODUCT_ORDER_PRICE_DESCENDING),
}


@dataclass(frozen=True)
class Wish:
    """What somebody is looking for, as it stands in the address."""

    q: Annotated[str, Query(max_length=300)] = ""
    category: Annotated[str, Query(max_length=300)] = ""
    least: Annotated[str, Query(max_length=300)] = ""
    most: Annotated[str, Query(max_length=300)] = ""
    order: Annotated[str, Query(max_length=300)] = ""
    after: Annotated[str, Query(max_length=300)] = ""

    def address(self, after: str, path: str = "/search") -> str:
        """Where the page after this one is."""
        kept = {name: value for name, value in vars(self).items() if value and name != "after"}
        return f"{path}?{urlencode(kept | {'after': after})}"

    def filter(self) -> pb.ProductFilter:
        """Among which products; a price that is none limits nothing."""
        made = pb.ProductFilter(category=self.category[:32])
        if least := money.typed(self.least, money.OURS):
            made.min_price.CopyFrom(least)
        if most := money.typed(self.most, money.OURS):
            made.max_price.CopyFrom(most)
        return made


TheWish: TypeAlias = Annotated[Wish, Depends(Wish)]
CategoryId: TypeAlias = Annotated[str, Path(pattern=ID, max_length=32)]


@router.get("/search", response_class=HTMLResponse)
async def search(page: ThePage, wish: TheWish) -> HTMLResponse:
    return await _listing(page, wish)


@router.get("/categories/{category_id}", response_class=HTMLResponse)
async def category(page: ThePage, category_id: CategoryId, wish: TheWish) -> HTMLResponse:
    return await _listing(page, replace(wish, category=category_id))


async def _listing(page: Page, wish: Wish) -> HTMLResponse:
    listed, categories = await asyncio.gather(
        found(page, wish), page.shop.catalog.ListCategories(pb.ListCategoriesRequest())
    )
    shown, more, remark = listed
    known = {one.id: one.product_count for one in categories.categories}
    return await page.html(
        "listing.html",
        status=200 if not wish.category or wish.category in known else 404,
        wish=wish,
        face=face(wish.category) if wish.category in known else None,
        categories=[face(one) for one in known],
        orders=ORDERS,
        products=shown,
        more=wish.address(more) if more else "",
        remark=remark,
    )


Listed = tuple[list[pb.Product], str, str]
"""Products, the token of the page after them, and what to say instead of products."""


async def found(page: Page, wish: Wish) -> Listed:
    """One page of what is looked for. Raises AioRpcError."""
    catalog, words = page.shop.catalog, " ".join(wish.q.split())[:100]
    _, order = ORDERS.get(wish.order, ORDERS[""])
    try:
        if words:
            query = pb.SearchProductsRequest(query=words, page_size=SHOWN, page_token=wish.after, filter=wish.filter())
            matching = await catalog.SearchProducts(query)
            return list(matching.products), matching.next_page_token, ""
        asked = pb.ListProductsRequest(page_size=SHOWN, page_token=wish.after, filter=wish.filter(), order=order)
        listed = await catalog.ListProducts(asked)
        return list(listed.products), listed.next_page_token, ""
    except AioRpcError as error:
        if error.code() is not StatusCode.INVALID_ARGUMENT:
            raise
        return [], "", _remark(error)


def _remark(error: AioRpcError) -> str:
    match refusal(error).reason:
        case "QUERY_EMPTY":
            return "Type a word to look for."
        case "PAGE_TOKEN_INVALID":
            return "This page is from another search. Begin with the first one."
    return "Nobody can look for that. Try fewer words, and prices like 12.50."
