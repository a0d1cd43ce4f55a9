from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from shop.orders.v1.orders_pb2 import (
    ORDER_STATE_CHARGED,
    ORDER_STATE_CONFIRMED,
    ORDER_STATE_PENDING,
    ORDER_STATE_RESERVED,
    Order,
)

from services.storefront import events
from tests.storefront.browser import Browser, order_id
from tests.storefront.harbour import Harbour


async def told(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The events of a stream, to its end."""
    found = []
    event: dict[str, Any] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            event[name] = value
        elif "data" in event:
            found.append({**event, **json.loads(event["data"])})
            event = {}
        else:
            event = {}
    return found


async def test_an_order_is_followed_to_its_end(browser: Browser) -> None:
    bought = await browser.buy("mug")
    async with browser.client.stream("GET", f"/orders/{order_id(bought)}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        [*_, last] = await told(answer)
    assert (last["state"], last["final"]) == ("CONFIRMED", True)
    assert last["id"] == str(last["version"])
    assert f'data-version="{last["version"]}"' in last["html"]


async def test_an_order_on_its_way_is_followed_from_where_the_browser_was_cut_off(
    harbour: Harbour, browser: Browser
) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    with harbour.inside.without("inventory"):
        await browser.pay(form)
    # An order that failed has its versions behind it; whoever has seen the last but one is told the last.
    page = (await browser.look("/orders")).text
    path = page.split('href="/orders/')[1].split('"')[0]
    async with browser.client.stream("GET", f"/orders/{path}/events") as answer:
        whole = await told(answer)
    seen = str(whole[-1]["version"] - 1)
    async with browser.client.stream("GET", f"/orders/{path}/events", headers={"last-event-id": seen}) as answer:
        [rest] = await told(answer)
    assert rest["version"] == whole[-1]["version"]
    assert rest["state"] == "FAILED"
    assert 'role="alert"' in rest["html"]


def test_a_last_event_id_that_is_none_of_ours_means_none() -> None:
    assert [events.last_seen(text) for text in ("7", "", "-1", "seven", "\u0667", "9" * 30)] == [7, 0, 0, 0, 0, 0]


async def states(*given: int) -> AsyncIterator[Order]:
    for version, state in enumerate(given, start=1):
        yield Order(order_id="1", state=state, version=version)  # type: ignore[arg-type]


async def test_each_change_is_one_event_and_the_last_ends_the_stream() -> None:
    changes = states(ORDER_STATE_PENDING, ORDER_STATE_RESERVED, ORDER_STATE_CHARGED, ORDER_STATE_CONFIRMED)
    written = [piece async for piece in events.told(changes, lambda _: "<p>\n</p>", asyncio.Event())]
    assert written[0].startswith(b"retry:")
    assert [piece.split(b"\n")[1] for piece in written[1:]] == [b"id: 1", b"id: 2", b"id: 3", b"id: 4"]
    assert all(piece.count(b"\n\n") == 1 and piece.endswith(b"\n\n") for piece in written)


async def test_a_process_that_leaves_ends_its_streams() -> None:
    leaving = asyncio.Event()

    async def never() -> AsyncIterator[Order]:
        yield Order(order_id="1", state=ORDER_STATE_PENDING, version=1)
        await asyncio.Event().wait()

    stream = events.told(never(), lambda _: "", leaving)
    assert [await anext(stream) for _ in range(2)][1].startswith(b"event: order")
    leaving.set()
    assert [piece async for piece in stream] == []


async def test_silence_is_filled_with_comments() -> None:
    async def never() -> AsyncIterator[Order]:
        await asyncio.Event().wait()
        yield Order()

    stream = events.told(never(), lambda _: "", asyncio.Event(), still_here_seconds=0.001)
    await anext(stream)
    assert await anext(stream) == events.STILL_HERE
    await stream.aclose()
