"""Orders, for programs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from shop.orders.v1 import orders_pb2 as pb

from services.storefront.api import models
from services.storefront.api.callers import Caller, TheCaller
from services.storefront.api.problems import ApiProblem, documented
from services.storefront.dependencies import OrderId, TheShop
from services.storefront.shop import Shop

router = APIRouter(tags=["orders"])


@router.post("/orders", status_code=201, responses=documented(401, 403, 404, 409))
async def place_order(
    shop: TheShop,
    caller: TheCaller,
    wanted: models.NewOrder,
    idempotency_key: Annotated[UUID, Header(description="The same key and order again: the same order, bought once.")],
) -> models.Order:
    """Buy. Returns when the order is confirmed; 409 when the card, the stock or a price refuses."""
    lines = [
        pb.OrderLine(
            product_id=line.product_id,
            quantity=line.quantity,
            unit_price=line.unit_price.message() if line.unit_price else None,
        )
        for line in wanted.lines
    ]
    request = pb.PlaceOrderRequest(
        idempotency_key=str(idempotency_key),
        customer_id=caller.acts_for(wanted.customer_id),
        lines=lines,
        currency_code=wanted.currency_code,
        card=wanted.card.message(),
    )
    return models.order((await shop.orders.PlaceOrder(request, metadata=caller.metadata)).order)


@router.get("/orders", responses=documented(401, 403))
async def list_orders(
    shop: TheShop,
    caller: TheCaller,
    customer_id: Annotated[str, Query(max_length=64, description="A guest's; empty with a token.")] = "",
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: Annotated[str, Query(max_length=256)] = "",
) -> models.Orders:
    """A customer's orders, the newest first."""
    asked = pb.ListOrdersRequest(customer_id=caller.acts_for(customer_id), page_size=page_size, page_token=page_token)
    found = await shop.orders.ListOrders(asked, metadata=caller.metadata)
    return models.Orders(orders=list(map(models.order, found.orders)), next_page_token=found.next_page_token)


@router.get("/orders/{order_id}", responses=documented(401, 404))
async def get_order(shop: TheShop, caller: TheCaller, order_id: OrderId) -> models.Order:
    """One order: one's own, or a guest's, whose id is the key to it."""
    return models.order(await _visible(shop, caller, order_id))


@router.post("/orders/{order_id}/cancel", responses=documented(401, 404, 409))
async def cancel_order(shop: TheShop, caller: TheCaller, order_id: OrderId) -> models.Order:
    """Give money and pieces back. Again: the same."""
    await _visible(shop, caller, order_id)
    asked = pb.CancelOrderRequest(order_id=order_id)
    return models.order((await shop.orders.CancelOrder(asked, metadata=caller.metadata)).order)


async def _visible(shop: Shop, caller: Caller, order_id: str) -> pb.Order:
    found = (await shop.orders.GetOrder(pb.GetOrderRequest(order_id=order_id), metadata=caller.metadata)).order
    if not caller.may_see(found.customer_id):
        raise ApiProblem(HTTPStatus.NOT_FOUND, "ORDER_NOT_FOUND", "there is no order with this id")
    return found
