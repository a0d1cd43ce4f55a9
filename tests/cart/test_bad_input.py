"""Whatever is wrong with a request, the answer is INVALID_ARGUMENT and names the field."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from shop.cart.v1 import cart_pb2 as pb
from shop.cart.v1.cart_pb2_grpc import CartServiceStub
from shop.money.v1.money_pb2 import Money

from tests.cart.asking import GUEST, add, check_out, item, merge, new_id, set_to
from tests.hosting.running import blamed

LONG = "x" * 65
MANY = [item(f"p{number}") for number in range(51)]

BAD = [
    ("GetCart", pb.GetCartRequest(), "customer_id"),
    ("GetCart", pb.GetCartRequest(customer_id=LONG), "customer_id"),
    ("AddItem", add("mug", to=LONG), "customer_id"),
    ("AddItem", pb.AddItemRequest(customer_id=GUEST, idempotency_key=new_id()), "item"),
    ("AddItem", add(""), "item.product_id"),
    ("AddItem", add("Mug; DROP TABLE carts"), "item.product_id"),
    ("AddItem", add("mug\n"), "item.product_id"),
    ("AddItem", add("mug", 0), "item.quantity"),
    ("AddItem", add("mug", -1), "item.quantity"),
    ("AddItem", add("mug", 101), "item.quantity"),
    ("AddItem", add("mug", 1, Money(currency_code="eur")), "item.seen_price.currency_code"),
    ("AddItem", add("mug", 1, Money(currency_code="EUR", units=-1)), "item.seen_price.units"),
    ("AddItem", add("mug", key="1"), "idempotency_key"),
    ("SetItem", set_to("mug", 1, of=""), "customer_id"),
    ("SetItem", set_to("", 1), "product_id"),
    ("SetItem", set_to("mug", 101), "quantity"),
    ("SetItem", set_to("mug", -1), "quantity"),
    ("SetItem", set_to("mug", 1, Money()), "seen_price.currency_code"),
    ("MergeCarts", merge("", GUEST), "from_customer_id"),
    ("MergeCarts", merge(GUEST, LONG), "into_customer_id"),
    ("MergeCarts", merge(GUEST, GUEST), "from_customer_id"),
    ("CheckOut", check_out(item("mug"), of=""), "customer_id"),
    ("CheckOut", check_out(item("mug"), order_id="order"), "order_id"),
    ("CheckOut", check_out(), "items"),
    ("CheckOut", check_out(*MANY), "items"),
    ("CheckOut", check_out(item("mug"), item("rope"), item("mug", 2)), "items[2].product_id"),
    ("CheckOut", check_out(item("mug", 0)), "items[0].quantity"),
]


@pytest.mark.parametrize(
    ("method", "request_", "field"), BAD, ids=[f"{bad[0]}-{bad[2]}-{i}" for i, bad in enumerate(BAD)]
)
async def test_bad_input_is_named_and_changes_nothing(
    cart: CartServiceStub, method: str, request_: Any, field: str
) -> None:
    before = (await cart.AddItem(add("mug", 2))).cart
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(cart, method)(request_)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in blamed(refused.value)
    assert (await cart.GetCart(pb.GetCartRequest(customer_id=GUEST))).cart == before


async def test_the_contract_is_covered() -> None:
    service = pb.DESCRIPTOR.services_by_name["CartService"]
    assert {method.name for method in service.methods} == {bad[0] for bad in BAD}
