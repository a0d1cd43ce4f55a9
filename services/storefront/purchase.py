"""How is something bought, once for each form? The order first; the cart is emptied of it as well as may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grpc.aio import AioRpcError
from shop.cart.v1.cart_pb2 import CartItem, CheckOutRequest
from shop.orders.v1.orders_pb2 import ORDER_STATE_CONFIRMED, OrderLine, PlaceOrderRequest
from shop.payments.v1.payments_pb2 import Card

from services.storefront.outcomes import Outcome, outcome
from services.storefront.refusals import Refusal, refusal
from services.storefront.shop import Shop
from services.storefront.visitor import Visitor

PAID = "ORDER_PENDING"
"""The reason of an order that is paid and will be confirmed, later than its caller could wait."""


@dataclass(frozen=True)
class Purchase:
    """What a check-out form asks for."""

    key: str
    lines: Sequence[OrderLine]
    card: Card
    from_cart: bool


@dataclass(frozen=True)
class Bought:
    """There is an order; perhaps it is still being finished."""

    order_id: str
    cart_kept: bool = False


@dataclass(frozen=True)
class NotBought:
    """There is none, or nobody knows."""

    outcome: Outcome
    refusal: Refusal


async def buy(shop: Shop, visitor: Visitor, wanted: Purchase) -> Bought | NotBought:
    """Place the order that a form asks for; the same form again comes to the same order."""
    request = PlaceOrderRequest(
        idempotency_key=wanted.key,
        customer_id=visitor.id,
        lines=wanted.lines,
        currency_code=wanted.lines[0].unit_price.currency_code,
        card=wanted.card,
    )
    try:
        order = (await shop.orders.PlaceOrder(request, metadata=visitor.metadata)).order
        if order.state != ORDER_STATE_CONFIRMED:  # called off while it was placed
            return Bought(order.order_id)
        order_id = order.order_id
    except AioRpcError as error:
        said = refusal(error)
        came = outcome(said)
        if not came.order_id:
            return NotBought(came, said)
        if said.reason != PAID:
            return Bought(came.order_id)  # whoever places it empties the cart
        order_id = came.order_id
    kept = wanted.from_cart and not await _emptied(shop, visitor, wanted.lines, order_id)
    return Bought(order_id, kept)


async def _emptied(shop: Shop, visitor: Visitor, lines: Sequence[OrderLine], order_id: str) -> bool:
    items = [CartItem(product_id=line.product_id, quantity=line.quantity) for line in lines]
    request = CheckOutRequest(customer_id=visitor.id, order_id=order_id, items=items)
    return await shop.if_possible("cart", shop.cart.CheckOut(request, metadata=visitor.metadata)) is not None
