"""What cart promises in its contract, asked over gRPC through the real interceptors."""

from __future__ import annotations

from collections.abc import Awaitable

import grpc
import pytest
from shop.cart.v1 import cart_pb2 as pb
from shop.cart.v1.cart_pb2_grpc import CartServiceStub

from tests.cart.asking import GUEST, MEDEA, add, check_out, eur, item, merge, new_id, pieces, set_to
from tests.hosting.running import FakeClock, blamed, reason


async def refused(call: Awaitable[object]) -> tuple[str, str, list[str]]:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    return refusal.value.code().name, reason(refusal.value), blamed(refusal.value)


async def content(cart: CartServiceStub, customer_id: str = GUEST) -> pb.Cart:
    return (await cart.GetCart(pb.GetCartRequest(customer_id=customer_id))).cart


async def test_a_cart_never_used_is_empty(cart: CartServiceStub) -> None:
    assert await content(cart) == pb.Cart(customer_id=GUEST)


async def test_items_come_in_the_order_they_were_put_in_and_pieces_add_up(
    cart: CartServiceStub, clock: FakeClock
) -> None:
    await cart.AddItem(add("rope", 2, eur(32)))
    await cart.AddItem(add("mug"))
    clock.advance(5)
    answer = await cart.AddItem(add("rope", 3))
    assert list(answer.cart.items) == [item("rope", 5, eur(32)), item("mug")]
    assert answer.cart.update_time.ToDatetime(clock.now().tzinfo) == clock.now()
    assert await content(cart) == answer.cart


async def test_the_price_seen_is_the_last_one_seen(cart: CartServiceStub) -> None:
    await cart.AddItem(add("rope", 1, eur(32)))
    assert list((await cart.AddItem(add("rope", 1, eur(30)))).cart.items) == [item("rope", 2, eur(30))]
    assert list((await cart.SetItem(set_to("rope", 1))).cart.items) == [item("rope", 1, eur(30))]
    assert list((await cart.SetItem(set_to("rope", 1, eur(29)))).cart.items) == [item("rope", 1, eur(29))]


async def test_one_key_puts_in_once(cart: CartServiceStub) -> None:
    key = new_id()
    first = await cart.AddItem(add("mug", 2, key=key))
    assert await cart.AddItem(add("mug", 2, key=key.upper())) == first
    assert await refused(cart.AddItem(add("mug", 3, key=key))) == ("ALREADY_EXISTS", "KEY_REUSED", ["idempotency_key"])
    assert pieces(await cart.AddItem(add("mug", 2))) == {"mug": 4}


async def test_a_key_counts_for_one_cart(cart: CartServiceStub) -> None:
    key = new_id()
    await cart.AddItem(add("mug", 2, key=key))
    assert pieces(await cart.AddItem(add("rope", 1, to="guest-2", key=key))) == {"rope": 1}


async def test_a_refusal_does_not_use_up_the_key(cart: CartServiceStub) -> None:
    key = new_id()
    await cart.SetItem(set_to("mug", 100))
    assert await refused(cart.AddItem(add("mug", key=key))) == (
        "FAILED_PRECONDITION",
        "TOO_MANY_PIECES",
        ["item.quantity"],
    )
    await cart.SetItem(set_to("mug", 99))
    assert pieces(await cart.AddItem(add("mug", key=key))) == {"mug": 100}


async def test_set_says_how_many_and_zero_takes_out(cart: CartServiceStub) -> None:
    await cart.AddItem(add("mug", 2))
    assert pieces(await cart.SetItem(set_to("mug", 7))) == {"mug": 7}
    assert pieces(await cart.SetItem(set_to("rope", 1))) == {"mug": 7, "rope": 1}
    for _ in range(2):
        assert pieces(await cart.SetItem(set_to("mug", 0))) == {"rope": 1}


async def test_fifty_products_fit_and_no_more(cart: CartServiceStub) -> None:
    for number in range(50):
        await cart.SetItem(set_to(f"p{number}", 1))
    full = await content(cart)
    assert await refused(cart.AddItem(add("mug"))) == ("FAILED_PRECONDITION", "CART_FULL", ["item.product_id"])
    assert await refused(cart.SetItem(set_to("mug", 1))) == ("FAILED_PRECONDITION", "CART_FULL", ["product_id"])
    assert await content(cart) == full
    assert pieces(await cart.AddItem(add("p7")))["p7"] == 2


async def test_what_changes_nothing_is_no_change(cart: CartServiceStub, clock: FakeClock) -> None:
    before = (await cart.AddItem(add("mug", 2))).cart
    clock.advance(5)
    await cart.SetItem(set_to("mug", 2))
    await cart.SetItem(set_to("rope", 0))
    await cart.CheckOut(check_out(item("rope")))
    assert await content(cart) == before


async def test_merging_moves_everything_once(cart: CartServiceStub) -> None:
    await cart.AddItem(add("mug", 2, eur(12)))
    await cart.AddItem(add("rope"))
    await cart.AddItem(add("hammock", to=MEDEA))
    await cart.AddItem(add("mug", 3, to=MEDEA))
    for _ in range(2):
        merged = await cart.MergeCarts(merge())
        assert list(merged.cart.items) == [item("hammock"), item("mug", 5, eur(12)), item("rope")]
        assert (merged.cart.customer_id, pieces(merged)) == (MEDEA, {"hammock": 1, "mug": 5, "rope": 1})
        assert not (await content(cart)).items


async def test_merging_leaves_out_what_does_not_fit(cart: CartServiceStub) -> None:
    for number in range(49):
        await cart.SetItem(set_to(f"p{number}", 1, of=MEDEA))
    await cart.SetItem(set_to("p0", 60, of=MEDEA))
    for product, quantity in {"p0": 70, "mug": 1, "rope": 1}.items():
        await cart.SetItem(set_to(product, quantity))
    merged = pieces(await cart.MergeCarts(merge()))
    assert (len(merged), merged["p0"], merged["mug"]) == (50, 100, 1)
    assert not (await content(cart)).items


async def test_a_cart_is_not_merged_into_itself(cart: CartServiceStub) -> None:
    await cart.AddItem(add("mug", 2))
    assert await refused(cart.MergeCarts(merge(GUEST, GUEST))) == (
        "INVALID_ARGUMENT",
        "SAME_CART",
        ["from_customer_id"],
    )
    assert pieces(await cart.GetCart(pb.GetCartRequest(customer_id=GUEST))) == {"mug": 2}


async def test_checking_out_takes_what_was_ordered_once_and_nothing_else(cart: CartServiceStub) -> None:
    for product, quantity in {"mug": 3, "rope": 1, "hammock": 1}.items():
        await cart.SetItem(set_to(product, quantity))
    order_id = new_id()
    await cart.AddItem(add("mug", 2))  # while the order was placed
    for request in (
        check_out(item("mug", 3), item("rope", 4), order_id=order_id),
        check_out(item("rope", 4, eur(32)), item("mug", 3), order_id=order_id.upper()),
    ):
        assert pieces(await cart.CheckOut(request)) == {"mug": 2, "hammock": 1}
    assert await refused(cart.CheckOut(check_out(item("mug", 2), order_id=order_id))) == (
        "ALREADY_EXISTS",
        "KEY_REUSED",
        ["order_id"],
    )


async def test_an_order_and_a_key_of_the_same_name_are_two_things(cart: CartServiceStub) -> None:
    key = new_id()
    await cart.AddItem(add("mug", 2, key=key))
    assert pieces(await cart.CheckOut(check_out(item("mug", 1), order_id=key))) == {"mug": 1}
