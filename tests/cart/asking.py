"""How do tests ask cart for something, and as whom? With the fewest words."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any
from uuid import uuid4

import grpc
from shop.cart.v1 import cart_pb2 as pb
from shop.money.v1.money_pb2 import Money

GUEST = "guest-1"
MEDEA = "user-medea"

Metadata = tuple[tuple[str, str], ...]

FROM_OUTSIDE: Metadata = (("x-forwarded-client-cert", "URI=spiffe://cluster.local/ns/shop/sa/gateway"),)


def signed_in(customer_id: str, role: str = "customer") -> Metadata:
    """What the sidecar says of a call with this customer's token."""
    return (*FROM_OUTSIDE, ("argosy-customer", customer_id), ("argosy-role", role))


def new_id() -> str:
    return str(uuid4())


def eur(units: int) -> Money:
    return Money(currency_code="EUR", units=units)


def item(product_id: str, quantity: int = 1, price: Money | None = None) -> pb.CartItem:
    return pb.CartItem(product_id=product_id, quantity=quantity, seen_price=price)


def add(
    product_id: str, quantity: int = 1, price: Money | None = None, *, to: str = GUEST, key: str = ""
) -> pb.AddItemRequest:
    return pb.AddItemRequest(customer_id=to, item=item(product_id, quantity, price), idempotency_key=key or new_id())


def set_to(product_id: str, quantity: int, price: Money | None = None, *, of: str = GUEST) -> pb.SetItemRequest:
    return pb.SetItemRequest(customer_id=of, product_id=product_id, quantity=quantity, seen_price=price)


def merge(source: str = GUEST, into: str = MEDEA) -> pb.MergeCartsRequest:
    return pb.MergeCartsRequest(from_customer_id=source, into_customer_id=into)


def check_out(*items: pb.CartItem, of: str = GUEST, order_id: str = "") -> pb.CheckOutRequest:
    return pb.CheckOutRequest(customer_id=of, order_id=order_id or new_id(), items=items)


def pieces(answer: Any) -> dict[str, int]:
    """What is in the cart of an answer, in its order."""
    return {each.product_id: each.quantity for each in answer.cart.items}


async def codes(calls: Iterable[Awaitable[Any]]) -> Counter[str]:
    """How all of these calls, made at once, ended."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(
        answer.code().name if isinstance(answer, grpc.aio.AioRpcError) else type(answer).__name__ for answer in answers
    )
