"""Carts nobody has changed for a quarter of a year are forgotten, and keys after a day."""

from __future__ import annotations

from shop.cart.v1 import cart_pb2 as pb
from shop.cart.v1.cart_pb2_grpc import CartServiceStub

from services.cart.forgetting import Forgetter
from services.hosting.clock import microseconds
from services.hosting.database import Database
from tests.cart.asking import GUEST, MEDEA, add, merge, new_id, pieces, set_to
from tests.hosting.running import FakeClock

DAY = 86_400.0


async def test_only_what_is_old_is_forgotten(cart: CartServiceStub, database: Database, clock: FakeClock) -> None:
    forgetter = Forgetter(database, lambda: microseconds(clock.now()))
    old, young = new_id(), new_id()
    await cart.AddItem(add("mug", key=old))
    await cart.SetItem(set_to("rope", 1, of=MEDEA))
    clock.advance(DAY)
    await cart.AddItem(add("mug", key=young))
    clock.advance(0.001)
    assert await forgetter.forget() == (0, 1)
    assert pieces(await cart.AddItem(add("mug", key=young))) == {"mug": 2}
    assert pieces(await cart.AddItem(add("mug", key=old))) == {"mug": 3}
    clock.advance(89 * DAY)
    assert await forgetter.forget() == (1, 2)
    assert pieces(await cart.GetCart(pb.GetCartRequest(customer_id=MEDEA))) == {}
    assert pieces(await cart.GetCart(pb.GetCartRequest(customer_id=GUEST))) == {"mug": 3}


async def test_carts_that_a_merge_has_opened_and_left_empty_go_with_the_next_sweep(
    cart: CartServiceStub, database: Database, clock: FakeClock
) -> None:
    await cart.MergeCarts(merge())
    assert await Forgetter(database, lambda: microseconds(clock.now())).forget() == (2, 0)
