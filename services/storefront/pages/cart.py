"""What is in the cart, and how is it changed?"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from shop.cart.v1.cart_pb2 import AddItemRequest, CartItem, GetCartRequest, SetItemRequest

from services.storefront import basket, products
from services.storefront.basket import MOST_PIECES, Basket
from services.storefront.dependencies import ProductId, TheForm, ThePage
from services.storefront.identifiers import is_uuid
from services.storefront.rendering import Page

router = APIRouter()


async def basket_of(page: Page) -> Basket:
    """What this visitor is about to buy, at the prices of now. Raises AioRpcError."""
    asked = GetCartRequest(customer_id=page.visitor.id)
    items = (await page.shop.cart.GetCart(asked, metadata=page.visitor.metadata)).cart.items
    return basket.basket(items, await products.found(page.shop, [item.product_id for item in items]))


@router.get("/cart", response_class=HTMLResponse)
async def cart(page: ThePage) -> HTMLResponse:
    mine = await basket_of(page)
    suggested = await products.suggestions(page.shop, [line.product.id for line in mine.lines]) if mine.lines else []
    return await page.html("cart.html", basket=mine, suggested=suggested)


@router.post("/cart", response_class=RedirectResponse)
async def add(page: ThePage, form: TheForm) -> Response:
    seen, quantity, key = basket.read([form.text("seen")]), form.number("quantity", 1), form.text("key")
    if not seen or not is_uuid(key) or not 0 < quantity <= MOST_PIECES:
        return await page.html("problem.html", status=400, title="That cannot be put into a cart.", advice="")
    item = CartItem(product_id=seen[0].product_id, quantity=quantity, seen_price=seen[0].unit_price)
    asked = AddItemRequest(customer_id=page.visitor.id, item=item, idempotency_key=key)
    await page.shop.cart.AddItem(asked, metadata=page.visitor.metadata)
    return page.to("/cart?note=added")


@router.post("/cart/{product_id}", response_class=RedirectResponse)
async def change(page: ThePage, form: TheForm, product_id: ProductId) -> Response:
    quantity = min(form.number("quantity"), MOST_PIECES)
    asked = SetItemRequest(customer_id=page.visitor.id, product_id=product_id, quantity=quantity)
    if seen := basket.read([form.text("seen")]):
        asked.seen_price.CopyFrom(seen[0].unit_price)
    await page.shop.cart.SetItem(asked, metadata=page.visitor.metadata)
    return page.to("/cart?note=" + ("changed" if quantity else "removed"))
