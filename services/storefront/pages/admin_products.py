"""How are products added and changed? Whoever saves says which version was read: nobody's change is lost unseen."""

from __future__ import annotations

import re

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb
from shop.money.v1.money_pb2 import Money

from services.storefront import money
from services.storefront.dependencies import ID, AdminsPage, ProductId, TheForm
from services.storefront.forms import Form
from services.storefront.pages.browsing import TheWish, found
from services.storefront.pictures.drawing import motifs
from services.storefront.pictures.palettes import PALETTES
from services.storefront.refusals import refusal
from services.storefront.rendering import Page

router = APIRouter()

_FIELDS = {f"product.{name}": name for name in ("id", "name", "description", "price", "category", "picture")}


@router.get("/admin", response_class=RedirectResponse)
async def admin(page: AdminsPage) -> Response:
    return page.to("/admin/products")


@router.get("/admin/products", response_class=HTMLResponse)
async def products(page: AdminsPage, wish: TheWish) -> HTMLResponse:
    shown, more, remark = await found(page, wish)
    more = wish.address(more, "/admin/products") if more else ""
    return await page.html("admin/products.html", products=shown, more=more, remark=remark)


@router.get("/admin/products/new", response_class=HTMLResponse)
async def new(page: AdminsPage) -> HTMLResponse:
    return await _form(page, Form({}), pb.Product(price=Money(currency_code=money.OURS)), new=True)


@router.post("/admin/products", response_class=RedirectResponse)
async def create(page: AdminsPage, form: TheForm) -> Response:
    product = _product(form, form.text("id"))
    if not re.fullmatch(ID, product.id) or len(product.id) > 64:  # noqa: PLR2004
        form.blame("id", "Small letters, digits and hyphens, up to 64 of them.")
    if form.wrong:
        return await _form(page, form, product, new=True, status=422)
    try:
        await page.shop.catalog.CreateProduct(pb.CreateProductRequest(product=product), metadata=page.visitor.metadata)
    except AioRpcError as error:
        said = refusal(error)
        if said.status not in {400, 409}:
            raise
        form.blame_all(said.fields, _FIELDS)
        if not form.wrong:
            form.blame("id", "There is another product with this id.")
        return await _form(page, form, product, new=True, status=said.status)
    return page.to(f"/admin/products/{product.id}?note=saved")


@router.get("/admin/products/{product_id}", response_class=HTMLResponse)
async def edit(page: AdminsPage, product_id: ProductId) -> HTMLResponse:
    return await _form(page, Form({}), await _current(page, product_id))


@router.post("/admin/products/{product_id}", response_class=RedirectResponse)
async def save(page: AdminsPage, form: TheForm, product_id: ProductId) -> Response:
    wanted = _product(form, product_id)
    if form.wrong:
        return await _form(page, form, wanted, status=422)
    try:
        await page.shop.catalog.UpdateProduct(pb.UpdateProductRequest(product=wanted), metadata=page.visitor.metadata)
    except AioRpcError as error:
        said = refusal(error)
        if said.status not in {400, 409}:
            raise
        form.blame_all(said.fields, _FIELDS)
        theirs = None if form.wrong else await _current(page, product_id)
        return await _form(page, form, wanted, theirs=theirs, status=said.status)
    return page.to(f"/admin/products/{product_id}?note=saved")


async def _current(page: Page, product_id: str) -> pb.Product:
    return (await page.shop.catalog.GetProduct(pb.GetProductRequest(product_id=product_id))).product


async def _form(
    page: Page,
    form: Form,
    product: pb.Product,
    *,
    new: bool = False,
    theirs: pb.Product | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The form with `product` in it; beside `theirs`, when somebody else has changed it meanwhile."""
    return await page.html(
        "admin/product.html",
        status=status,
        form=form,
        product=product,
        price=form.text("price") or (money.editable(product.price) if product.id else ""),
        theirs=theirs,
        etag=theirs.etag if theirs else product.etag,
        new=new,
        motifs=motifs(),
        palettes=PALETTES,
    )


def _product(form: Form, product_id: str) -> pb.Product:
    """The product as typed; what is wrong with it is noted in the form."""
    price = money.typed(form.text("price"), money.OURS)
    if price is None:
        form.blame("price", "An amount such as 12.50.")
    if not 0 < len(form.text("name")) <= 120:  # noqa: PLR2004
        form.blame("name", "1 to 120 characters.")
    picture = f"{form.text('motif')}/{form.text('palette')}"
    return pb.Product(
        id=product_id,
        name=form.text("name"),
        description=form.text("description"),
        price=price,
        etag=form.text("etag")[:64],
        category=form.text("category"),
        picture=picture if picture.strip("/") else "",
    )
