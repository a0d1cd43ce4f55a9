"""Customers who ask until they are told: one order however often it is asked for, and an end for everyone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from grpc import StatusCode, aio
from shop.orders.v1 import orders_pb2

from mesh.chaos.kills.insistent import PRESSES, Insistent
from tests.loadtest.scripted_shop import PRODUCTS, Script, ScriptedShop, fail, open_shop, refuse


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def customers() -> AsyncIterator[tuple[Insistent, ScriptedShop]]:
    async with open_shop() as shop, aio.insecure_channel(shop.target) as channel:
        yield Insistent(channel, PRODUCTS, "kills-1", Random(1), at_once), shop  # noqa: S311  # choices, not secrets


def at_the(try_: int, instead: Script, shop: ScriptedShop) -> Script:
    """A script that answers as always from this try on, and something else before."""

    async def script(request: Any, context: Any) -> Any:
        if shop.calls["PlaceOrder"] < try_:
            shop.orders.append(request)
            return await instead(request, context)
        return await shop.succeed("PlaceOrder", request, context)

    return script


async def test_who_gets_no_answer_asks_again_for_the_same_order() -> None:
    async with customers() as (asking, shop):
        shop.scripts["PlaceOrder"] = at_the(3, fail(StatusCode.UNAVAILABLE), shop)
        await asking.order(0)
    assert (asking.told.asked, asking.told.tries, asking.told.unanswered) == (1, 3, [])
    assert {request.idempotency_key for request in shop.orders} == set(asking.told.confirmed)


async def test_an_order_that_came_to_nothing_has_an_end_and_is_not_asked_for_again() -> None:
    async def interrupted(_: Any, context: Any) -> Any:
        await refuse(context, StatusCode.UNAVAILABLE, "INTERRUPTED")

    async with customers() as (asking, shop):
        shop.scripts["PlaceOrder"] = interrupted
        await asking.order(0)
    assert (asking.told.tries, asking.told.refused, asking.told.confirmed) == (1, ["INTERRUPTED"], [])


async def test_what_was_never_answered_is_asked_again_in_the_end_with_its_key() -> None:
    async with customers() as (asking, shop):
        shop.scripts["PlaceOrder"] = at_the(PRESSES + 1, fail(StatusCode.INTERNAL), shop)
        await asking.order(0)
        assert len(asking.told.unanswered) == 1
        await asking.ask_again()
    assert asking.told.unanswered == []
    assert asking.told.tries == PRESSES + 1
    assert {request.idempotency_key for request in shop.orders} == set(asking.told.confirmed)


async def test_who_is_still_not_told_is_kept() -> None:
    async with customers() as (asking, shop):
        shop.scripts["PlaceOrder"] = fail(StatusCode.UNAVAILABLE)
        await asking.order(0)
        await asking.ask_again()
    assert len(asking.told.unanswered) == 1


async def test_the_books_are_read_to_their_last_page() -> None:
    async def listed(request: orders_pb2.ListOrdersRequest, _: Any) -> Any:
        page = int(request.page_token or 0)
        order = orders_pb2.Order(order_id=f"{request.customer_id}-{page}")
        return orders_pb2.ListOrdersResponse(orders=[order], next_page_token=str(page + 1) if page < 2 else "")

    async with customers() as (asking, shop):
        shop.scripts["ListOrders"] = listed
        assert [order.order_id for order in await asking.books()] == ["kills-1-0", "kills-1-1", "kills-1-2"]
