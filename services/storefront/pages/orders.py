"""What has somebody ordered, where does it stand, and how is it called off?"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from shop.orders.v1.orders_pb2 import (
    CancelOrderRequest,
    GetOrderRequest,
    ListOrdersRequest,
    Order,
    WatchOrderRequest,
    WatchOrderResponse,
)

from services.storefront import events, products
from services.storefront.dependencies import OrderId, TheForm, ThePage
from services.storefront.rendering import Page

router = APIRouter()

SHOWN = 20


class NotThere(Exception):
    """There is no such order for this visitor, whoever else it belongs to."""


@router.get("/orders", response_class=HTMLResponse)
async def orders(page: ThePage, after: str = "") -> HTMLResponse:
    asked = ListOrdersRequest(customer_id=page.visitor.id, page_size=SHOWN, page_token=after[:256])
    found = await page.shop.orders.ListOrders(asked, metadata=page.visitor.metadata)
    return await page.html("orders.html", orders=found.orders, more=found.next_page_token)


@router.get("/orders/{order_id}", response_class=HTMLResponse)
async def order(page: ThePage, order_id: OrderId) -> HTMLResponse:
    found = await _order(page, order_id)
    ids = [line.product_id for line in found.lines]
    known = await page.shop.if_possible("catalog", products.found(page.shop, ids)) or {}
    suggested = await products.suggestions(page.shop, ids)
    return await page.html("order.html", order=found, known=known, suggested=suggested)


@router.post("/orders/{order_id}/cancel", response_class=RedirectResponse)
async def cancel(page: ThePage, form: TheForm, order_id: OrderId) -> Response:
    await _order(page, order_id)
    await page.shop.orders.CancelOrder(CancelOrderRequest(order_id=order_id), metadata=page.visitor.metadata)
    return page.to(form.text("to") if form.text("to") == "/admin/orders" else f"/orders/{order_id}?note=cancelled")


@router.get("/orders/{order_id}/events")
async def follow(request: Request, page: ThePage, order_id: OrderId, after: str = "") -> Response:
    """Server-sent events, one for each change; a browser that was cut off goes on after its Last-Event-ID."""
    await _order(page, order_id)
    seen = events.last_seen(request.headers.get("last-event-id", "") or after)
    changes = _changes(page, WatchOrderRequest(order_id=order_id, after_version=seen))
    shown = partial(_tracking, request, page)
    told = events.told(changes, shown, request.app.state.leaving)
    return StreamingResponse(told, media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _order(page: Page, order_id: str) -> Order:
    """The order, if it is this visitor's to see. Raises NotThere and AioRpcError."""
    asked = GetOrderRequest(order_id=order_id)
    found = (await page.shop.orders.GetOrder(asked, metadata=page.visitor.metadata)).order
    if not page.visitor.may_see(found.customer_id):
        raise NotThere
    return found


async def _changes(page: Page, asked: WatchOrderRequest) -> AsyncIterator[Order]:
    watch: Callable[..., AsyncGenerator[WatchOrderResponse, None]] = page.shop.orders.WatchOrder  # type: ignore[assignment]
    async with aclosing(watch(asked, metadata=page.visitor.metadata)) as answers:
        async for answer in answers:
            yield answer.order


def _tracking(request: Request, page: Page, order: Order) -> str:
    """The part of the page that changes with the order."""
    template = request.app.state.templates.get_template("_tracking.html")
    return str(template.render(order=order, visitor=page.visitor))
