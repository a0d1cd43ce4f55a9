"""However many change a cart at once, no piece is lost, put in twice or taken out twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import pytest
from shop.cart.v1 import cart_pb2 as pb
from shop.cart.v1.cart_pb2_grpc import CartServiceStub

from services.cart import store
from services.cart.__main__ import MIGRATIONS
from services.cart.carts import Cart, Item, added
from services.hosting.database import Database, open_database
from tests.cart.asking import GUEST, MEDEA, add, check_out, codes, item, merge, new_id, pieces, set_to
from tests.hosting.databases import Servers
from tests.inventory.service_process import running


async def held(cart: CartServiceStub, customer_id: str = GUEST) -> dict[str, int]:
    return pieces(await cart.GetCart(pb.GetCartRequest(customer_id=customer_id)))


async def test_many_keys_at_once_all_count(cart: CartServiceStub) -> None:
    assert await codes(cart.AddItem(add(f"p{number % 3}")) for number in range(60)) == {"AddItemResponse": 60}
    assert await held(cart) == dict.fromkeys(await held(cart), 20)


async def test_one_key_asked_by_many_at_once_counts_once(cart: CartServiceStub) -> None:
    asked = add("mug", 2)
    assert await codes(cart.AddItem(asked) for _ in range(40)) == {"AddItemResponse": 40}
    assert await held(cart) == {"mug": 2}


async def test_the_limit_holds_against_a_crowd(cart: CartServiceStub) -> None:
    assert await codes(cart.AddItem(add("mug", 7)) for _ in range(20)) == {
        "AddItemResponse": 14,
        "FAILED_PRECONDITION": 6,
    }
    assert await held(cart) == {"mug": 98}


async def test_merging_twice_at_once_moves_once(cart: CartServiceStub) -> None:
    for number in range(5):
        await cart.SetItem(set_to(f"p{number}", 3))
    assert await codes(cart.MergeCarts(merge()) for _ in range(10)) == {"MergeCartsResponse": 10}
    assert (await held(cart), await held(cart, MEDEA)) == ({}, {f"p{number}": 3 for number in range(5)})


async def test_what_is_put_into_a_cart_while_it_is_merged_is_in_one_of_the_two(cart: CartServiceStub) -> None:
    merging = [cart.MergeCarts(merge()) for _ in range(10)]
    adding = [cart.AddItem(add("mug")) for _ in range(30)]
    assert await codes([*adding[:10], *merging[:5], *adding[10:], *merging[5:]]) == {
        "MergeCartsResponse": 10,
        "AddItemResponse": 30,
    }
    guests, customers = await held(cart), await held(cart, MEDEA)
    assert guests.get("mug", 0) + customers.get("mug", 0) == 30


async def test_two_carts_merged_into_each_other_at_once_do_not_wait_in_a_circle(cart: CartServiceStub) -> None:
    await cart.SetItem(set_to("mug", 4))
    both = [cart.MergeCarts(asked) for _ in range(10) for asked in (merge(), merge(MEDEA, GUEST))]
    assert await codes(both) == {"MergeCartsResponse": 20}
    assert sorted([await held(cart), await held(cart, MEDEA)], key=len) == [{}, {"mug": 4}]


async def test_checking_out_takes_nothing_that_is_put_in_at_the_same_time(cart: CartServiceStub) -> None:
    await cart.SetItem(set_to("mug", 5))
    ordered = check_out(item("mug", 5))
    calls: list[Awaitable[object]] = [
        *(cart.AddItem(add("mug")) for _ in range(20)),
        *(cart.CheckOut(ordered) for _ in range(5)),
    ]
    assert await codes(calls) == {"AddItemResponse": 20, "CheckOutResponse": 5}
    assert await held(cart) == {"mug": 20}


@pytest.mark.processes
async def test_two_processes_on_one_database_count_every_key_once(url: str) -> None:
    async with running("cart", url) as one, running("cart", url) as two:
        stubs = [CartServiceStub(process.channel) for process in (one, two)]
        twice = [add("mug", key=new_id()) for _ in range(40)]
        assert await codes(stub.AddItem(asked) for asked in twice for stub in stubs) == {"AddItemResponse": 80}
        assert [await held(stub) for stub in stubs] == [{"mug": 40}] * 2


async def added_by_two(database: Database, meeting: Callable[[], object]) -> Cart:
    """Put a mug into one cart twice at once. Each of the two, once it has read the cart, has a `meeting`."""

    def decide(cart: Cart) -> Cart:
        meeting()
        return added(cart, Item("mug", 1), 1)

    await database.write(store.change, GUEST, partial(added, item=Item("rope", 1), now=1))
    await asyncio.gather(*(database.write(store.change, GUEST, decide) for _ in range(2)))
    return await database.read(store.find, GUEST)


@pytest.mark.processes
async def test_whoever_changes_a_cart_has_it_alone(servers: Servers) -> None:
    barrier = threading.Barrier(2)

    def meeting() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.2)  # in vain: the other waits for the row

    async with open_database(servers.url("cart"), MIGRATIONS) as database:
        cart = await added_by_two(database, meeting)
    assert barrier.broken
    assert cart.item("mug") == Item("mug", 2)


@pytest.mark.processes
async def test_without_the_lock_a_piece_is_lost(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_database(servers.url("cart"), MIGRATIONS) as database:
        await database.write(store.change, GUEST, partial(added, item=Item("rope", 1), now=1))
        monkeypatch.setattr(store, "_locked", store.find)
        cart = await added_by_two(database, threading.Barrier(2, timeout=30).wait)
    assert cart.item("mug") == Item("mug", 1)
