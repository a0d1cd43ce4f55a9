"""A registered customer's cart is that customer's alone; a guest's belongs to whoever knows its id."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from shop.cart.v1 import cart_pb2 as pb
from shop.cart.v1.cart_pb2_grpc import CartServiceStub

from tests.cart.asking import (
    FROM_OUTSIDE,
    GUEST,
    MEDEA,
    Metadata,
    add,
    check_out,
    item,
    merge,
    pieces,
    set_to,
    signed_in,
)
from tests.hosting.running import blamed, reason

GET = pb.GetCartRequest(customer_id=MEDEA)
EVERY_CALL = [
    ("GetCart", GET, "customer_id"),
    ("AddItem", add("mug", to=MEDEA), "customer_id"),
    ("SetItem", set_to("mug", 1, of=MEDEA), "customer_id"),
    ("MergeCarts", merge(), "into_customer_id"),
    ("MergeCarts", merge(MEDEA, GUEST), "from_customer_id"),
    ("CheckOut", check_out(item("mug"), of=MEDEA), "customer_id"),
]
STRANGERS = {"a guest": FROM_OUTSIDE, "another customer": signed_in("user-jason")}
OWNERS: dict[str, Metadata] = {
    "the customer": signed_in(MEDEA),
    "an admin": signed_in("user-hera", "admin"),
    "a service of ours": (),
}


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize(
    ("method", "request_", "field"), EVERY_CALL, ids=[f"{call[0]}-{call[2]}" for call in EVERY_CALL]
)
async def test_a_customers_cart_is_nobody_elses(
    cart: CartServiceStub, method: str, request_: Any, field: str, who: str
) -> None:
    await cart.AddItem(add("hammock", to=MEDEA), metadata=signed_in(MEDEA))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(cart, method)(request_, metadata=STRANGERS[who])
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert (reason(refused.value), blamed(refused.value)) == ("NOT_YOURS", [field])
    assert "medea" not in str(refused.value.details())
    assert pieces(await cart.GetCart(GET, metadata=signed_in(MEDEA))) == {"hammock": 1}


@pytest.mark.parametrize("who", OWNERS)
@pytest.mark.parametrize(
    ("method", "request_", "field"), EVERY_CALL, ids=[f"{call[0]}-{call[2]}" for call in EVERY_CALL]
)
async def test_whoever_may_use_it_can(cart: CartServiceStub, method: str, request_: Any, field: str, who: str) -> None:
    await getattr(cart, method)(request_, metadata=OWNERS[who])


@pytest.mark.parametrize("who", [FROM_OUTSIDE, signed_in(MEDEA)], ids=["a guest", "a customer"])
async def test_a_guests_cart_is_for_whoever_knows_its_id(cart: CartServiceStub, who: Metadata) -> None:
    assert pieces(await cart.AddItem(add("mug"), metadata=who)) == {"mug": 1}
    assert pieces(await cart.GetCart(pb.GetCartRequest(customer_id=GUEST), metadata=who)) == {"mug": 1}
