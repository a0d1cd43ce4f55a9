"""What has everybody ordered?"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from shop.orders.v1.orders_pb2 import ListOrdersRequest

from services.storefront.dependencies import AdminsPage

router = APIRouter()

SHOWN = 50


@router.get("/admin/orders", response_class=HTMLResponse)
async def orders(page: AdminsPage, after: str = "", customer: str = "") -> HTMLResponse:
    asked = ListOrdersRequest(customer_id=customer[:64], page_size=SHOWN, page_token=after[:256])
    found = await page.shop.orders.ListOrders(asked, metadata=page.visitor.metadata)
    return await page.html("admin/orders.html", orders=found.orders, more=found.next_page_token, customer=customer)
