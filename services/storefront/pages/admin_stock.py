"""How much is there of everything, and how does more get in? A delivery is entered once, however often it is sent."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from shop.inventory.v1.inventory_pb2 import ListStockRequest, RestockRequest, StockLine

from services.storefront.dependencies import AdminsPage, TheForm
from services.storefront.identifiers import is_uuid

router = APIRouter()

SHOWN = 50
MOST = 1000  # pieces of one delivery


@router.get("/admin/stock", response_class=HTMLResponse)
async def stock(page: AdminsPage, after: str = "") -> HTMLResponse:
    asked = ListStockRequest(page_size=SHOWN, page_token=after[:256])
    found = await page.shop.inventory.ListStock(asked, metadata=page.visitor.metadata)
    return await page.html(
        "admin/stock.html", stock=found.stock, more=found.next_page_token, key=lambda: str(uuid.uuid4()), most=MOST
    )


@router.post("/admin/stock", response_class=RedirectResponse)
async def restock(page: AdminsPage, form: TheForm) -> Response:
    key, pieces = form.text("key"), form.number("quantity")
    if not is_uuid(key) or not 0 < pieces <= MOST:
        return await page.html(
            "problem.html", status=400, title="That is no delivery.", advice=f"A delivery has 1 to {MOST} pieces."
        )
    line = StockLine(product_id=form.text("product_id")[:64], quantity=pieces)
    await page.shop.inventory.Restock(RestockRequest(idempotency_key=key, lines=[line]), metadata=page.visitor.metadata)
    return page.to("/admin/stock?note=restocked")
