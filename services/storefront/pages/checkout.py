"""How does somebody buy? One form, which holds what was shown at which price, and a key: sent twice, it buys once."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from shop.catalog.v1.catalog_pb2 import Product
from shop.orders.v1.orders_pb2 import OrderLine
from shop.payments.v1.payments_pb2 import Card

from services.storefront import basket, products
from services.storefront.basket import MOST_PIECES, Basket, Line
from services.storefront.dependencies import ID, TheForm, ThePage
from services.storefront.forms import Form
from services.storefront.identifiers import is_uuid
from services.storefront.outcomes import Outcome
from services.storefront.pages.cart import basket_of
from services.storefront.purchase import Bought, NotBought, Purchase, buy
from services.storefront.rendering import Page

router = APIRouter()

BROKEN = Outcome("This form is incomplete.", "Nothing was ordered. This is a fresh one.")


@router.get("/checkout", response_class=HTMLResponse)
async def checkout(
    page: ThePage,
    product: Annotated[str, Query(pattern=ID, max_length=64)] = "",
    quantity: Annotated[int, Query(ge=1, le=MOST_PIECES)] = 1,
) -> HTMLResponse:
    if product:
        wanted = await products.found(page.shop, [product])
        mine = Basket([Line(one, quantity) for one in wanted.values()])
    else:
        mine = await basket_of(page)
    return await _form(page, mine, from_cart=not product)


@router.post("/checkout", response_class=RedirectResponse)
async def place(page: ThePage, form: TheForm) -> Response:
    lines, key, from_cart = basket.read(form.all("line")), form.text("key"), bool(form.text("from_cart"))
    if not lines or not is_uuid(key) or len({line.unit_price.currency_code for line in lines}) != 1:
        return await _form(page, await basket_of(page), from_cart=True, outcome=BROKEN)
    card = _card(form)
    if form.wrong:
        mine = await _again(page, form)
        return await _form(page, mine, from_cart=from_cart, form=form, key=key)
    came = await buy(page.shop, page.visitor, Purchase(key, lines, card, from_cart))
    if isinstance(came, Bought):
        return page.to(f"/orders/{came.order_id}" + ("?note=cart-kept" if came.cart_kept else ""))
    return await _not_bought(page, form, came, from_cart=from_cart)


async def _not_bought(page: Page, form: Form, came: NotBought, *, from_cart: bool) -> HTMLResponse:
    mine = await _again(page, form)
    short = came.refusal.facts.get("product_id", "")
    if came.refusal.reason == "OUT_OF_STOCK" and short:
        said = came.refusal.facts.get("available", "")
        left = int(said) if said.isdecimal() else None
        lines = [replace(line, left=left) if line.product.id == short else line for line in mine.lines]
        mine = replace(mine, lines=lines)
    if came.outcome.field:
        form.blame(came.outcome.field, came.outcome.headline)
    key = form.text("key") if came.outcome.same_key else ""
    return await _form(page, mine, from_cart=from_cart, form=form, key=key, outcome=came.outcome)


async def _again(page: Page, form: Form) -> Basket:
    """The form's lines at the prices of now; what has changed is remarked. While catalog is away, as they were."""
    lines = basket.read(form.all("line")) or []
    known = await page.shop.if_possible("catalog", products.found(page.shop, [line.product_id for line in lines]))
    if known is None:
        known = {line.product_id: _remembered(line) for line in lines}
    return Basket(
        [Line(known[line.product_id], line.quantity, line.unit_price) for line in lines if line.product_id in known]
    )


def _remembered(line: OrderLine) -> Product:
    return Product(id=line.product_id, name=line.product_id.replace("-", " "), price=line.unit_price)


async def _form(
    page: Page,
    mine: Basket,
    *,
    from_cart: bool,
    form: Form | None = None,
    key: str = "",
    outcome: Outcome | None = None,
) -> HTMLResponse:
    status = outcome.status if outcome else 422 if form else 200
    return await page.html(
        "checkout.html",
        status=status,
        basket=mine,
        from_cart=from_cart,
        key=key or uuid.uuid4(),
        form=form or Form({}),
        outcome=outcome,
    )


def _card(form: Form) -> Card:
    """The card as it was typed; what is wrong with it is noted in the form. No page ever shows it again."""
    number = form.text("number").replace(" ", "").replace("-", "")
    month, year, code = form.number("expiry_month"), form.number("expiry_year"), form.text("security_code")
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):  # noqa: PLR2004
        form.blame("number", "A card number has 12 to 19 digits.")
    if not 1 <= month <= 12:  # noqa: PLR2004
        form.blame("expiry_month", "Choose the month, 1 to 12.")
    if not 2000 <= year <= 2100:  # noqa: PLR2004
        form.blame("expiry_year", "Choose the year.")
    if not (code.isascii() and code.isdigit() and len(code) in {3, 4}):
        form.blame("security_code", "The security code has 3 or 4 digits.")
    return Card() if form.wrong else Card(number=number, expiry_month=month, expiry_year=year, security_code=code)
