"""A watcher sees every state and the end, from any replica, and goes on where it was cut off."""

from __future__ import annotations

import asyncio

from shop.orders.v1 import orders_pb2

from tests.orders.relay import Held
from tests.orders.shop import Shop, order_of

STEPS = ("Reserve", "Charge", "Commit")


def watch(order: orders_pb2.Order, after_version: int = 0) -> orders_pb2.WatchOrderRequest:
    return orders_pb2.WatchOrderRequest(order_id=order.order_id, after_version=after_version)


def name(order: orders_pb2.Order) -> str:
    return orders_pb2.OrderState.Name(order.state).removeprefix("ORDER_STATE_")


class Slowly:
    """An order each of whose steps waits until it is let go."""

    def __init__(self, shop: Shop) -> None:
        self._held = [Held() for _ in STEPS]
        for step, held in zip(STEPS, self._held, strict=True):
            shop.relay.once(step, held)
        self.placing = asyncio.ensure_future(shop.orders.PlaceOrder(order_of(("mug", 1))))

    async def step(self) -> None:
        """Let the step that waits, or comes next, be done."""
        held = self._held.pop(0)
        await held.arrived.wait()
        held.go_on.set()

    async def begun(self) -> None:
        """Wait until the next step is under way."""
        await self._held[0].arrived.wait()


async def test_a_watcher_sees_every_state_and_then_the_end(shop: Shop) -> None:
    slowly = Slowly(shop)
    await slowly.begun()
    seen = []
    async for answer in shop.orders.WatchOrder(watch(await shop.only_order())):
        seen.append(answer.order)
        if len(seen) <= len(STEPS):
            await slowly.step()
    assert list(map(name, seen)) == ["PENDING", "RESERVED", "CHARGED", "CONFIRMED"]
    versions = [order.version for order in seen]
    assert versions == sorted(set(versions))
    assert (await slowly.placing).order == seen[-1]


async def test_a_watcher_that_was_cut_off_is_told_only_what_it_has_not_seen(shop: Shop) -> None:
    slowly = Slowly(shop)
    await slowly.begun()
    stream = shop.orders.WatchOrder(watch(await shop.only_order()))
    seen = (await anext(aiter(stream))).order
    stream.cancel()
    again = shop.orders.WatchOrder(watch(seen, seen.version))
    rest = asyncio.ensure_future(anext(aiter(again)))
    await slowly.step()
    assert name((await rest).order) == "RESERVED"
    again.cancel()
    await slowly.step()
    await slowly.begun()  # CHARGED is written down, and nobody has watched
    last = shop.orders.WatchOrder(watch(seen, (await rest).order.version))
    assert name((await anext(aiter(last))).order) == "CHARGED"
    last.cancel()
    await slowly.step()
    await slowly.placing


async def test_the_end_is_told_again_to_whoever_comes_back(shop: Shop) -> None:
    order = (await shop.orders.PlaceOrder(order_of(("mug", 1)))).order
    assert [answer.order async for answer in shop.orders.WatchOrder(watch(order, order.version))] == [order]


async def test_a_version_of_another_time_hides_nothing(shop: Shop) -> None:
    slowly = Slowly(shop)
    await slowly.begun()
    order = await shop.only_order()  # as after a restored backup: the watcher has seen more than there is
    stream = shop.orders.WatchOrder(watch(order, order.version + 7))
    assert (await anext(aiter(stream))).order == order
    stream.cancel()
    for _ in STEPS:
        await slowly.step()
    await slowly.placing


async def test_a_watcher_sees_what_another_replica_does(shop: Shop) -> None:
    slowly = Slowly(shop)
    async with shop.replica() as other:
        await slowly.step()
        await slowly.begun()
        stream = other.WatchOrder(watch(await shop.only_order()))
        assert name((await anext(aiter(stream))).order) == "RESERVED"
        await slowly.step()
        await slowly.step()
        assert [name(answer.order) async for answer in stream][-1] == "CONFIRMED"
        await slowly.placing


async def test_a_watched_order_that_is_cancelled_is_followed_to_its_end(shop: Shop) -> None:
    slowly = Slowly(shop)
    await slowly.begun()
    order = await shop.only_order()
    stream = shop.orders.WatchOrder(watch(order))
    seen = [name((await anext(aiter(stream))).order)]
    await shop.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order.order_id))
    seen += [name(answer.order) async for answer in stream]
    assert (seen[0], seen[-1]) == ("PENDING", "CANCELLED")
    await slowly.step()
    await slowly.placing
