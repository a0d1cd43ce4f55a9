"""Carts, for programs: a guest's by its id, a customer's own by the token."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path
from shop.cart.v1 import cart_pb2 as pb

from services.storefront.api import models
from services.storefront.api.callers import TheCaller
from services.storefront.api.problems import documented
from services.storefront.dependencies import ProductId, TheShop

router = APIRouter(tags=["carts"])

CustomerId = Annotated[str, Path(min_length=1, max_length=64, pattern="^[A-Za-z0-9-]+$")]


@router.get("/carts/{customer_id}", responses=documented(401, 403))
async def get_cart(shop: TheShop, caller: TheCaller, customer_id: CustomerId) -> models.Cart:
    """The cart; an empty one when nothing was put into it."""
    asked = pb.GetCartRequest(customer_id=caller.acts_for(customer_id))
    return models.cart((await shop.cart.GetCart(asked, metadata=caller.metadata)).cart)


@router.post("/carts/{customer_id}/items", responses=documented(401, 403, 409))
async def add_item(
    shop: TheShop,
    caller: TheCaller,
    customer_id: CustomerId,
    item: models.CartItem,
    idempotency_key: Annotated[UUID, Header(description="The same key puts the pieces in once.")],
) -> models.Cart:
    """Put pieces in."""
    asked = pb.AddItemRequest(
        customer_id=caller.acts_for(customer_id),
        item=pb.CartItem(
            product_id=item.product_id,
            quantity=item.quantity,
            seen_price=item.seen_price.message() if item.seen_price else None,
        ),
        idempotency_key=str(idempotency_key),
    )
    return models.cart((await shop.cart.AddItem(asked, metadata=caller.metadata)).cart)


@router.put("/carts/{customer_id}/items/{product_id}", responses=documented(401, 403, 409))
async def set_item(
    shop: TheShop, caller: TheCaller, customer_id: CustomerId, product_id: ProductId, wanted: models.NewQuantity
) -> models.Cart:
    """Say how many pieces of a product there shall be."""
    asked = pb.SetItemRequest(
        customer_id=caller.acts_for(customer_id),
        product_id=product_id,
        quantity=wanted.quantity,
        seen_price=wanted.seen_price.message() if wanted.seen_price else None,
    )
    return models.cart((await shop.cart.SetItem(asked, metadata=caller.metadata)).cart)
