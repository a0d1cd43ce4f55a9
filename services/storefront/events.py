"""How does a page follow an order? Server-sent events: one for each change, numbered by the order's version.

A browser that was cut off says which number it saw last, and gets what has changed since. A comment now and then keeps
proxies from taking silence for the end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

from grpc.aio import AioRpcError
from shop.orders.v1.orders_pb2 import Order

from services.storefront.progress import FINAL, state_name

STILL_HERE = b": still here\n\n"
STILL_HERE_SECONDS = 15.0
COME_BACK = b"retry: 1000\n\n"  # milliseconds


def event(name: str, number: int, facts: Mapping[str, object]) -> bytes:
    """One event on the wire: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    return f"event: {name}\nid: {number}\ndata: {json.dumps(facts)}\n\n".encode()


def last_seen(header: str) -> int:
    """The number in a Last-Event-ID; 0 for none of ours."""
    return int(header) if header.isascii() and header.isdigit() and len(header) <= 18 else 0  # noqa: PLR2004


async def told(
    changes: AsyncIterator[Order],
    shown: Callable[[Order], str],
    leaving: asyncio.Event,
    *,
    still_here_seconds: float = STILL_HERE_SECONDS,
) -> AsyncGenerator[bytes, None]:
    """The order's changes as events, until it is final, orders falls silent, or this process leaves."""
    yield COME_BACK
    gone = asyncio.ensure_future(leaving.wait())
    coming = asyncio.ensure_future(anext(changes, None))
    try:
        while not gone.done():
            await asyncio.wait({coming, gone}, timeout=still_here_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                if not gone.done():
                    yield STILL_HERE
                continue
            order = coming.result()
            if order is None:
                return
            final = order.state in FINAL
            facts = {"state": state_name(order), "version": order.version, "html": shown(order), "final": final}
            yield event("order", order.version, facts)
            if final:
                return
            coming = asyncio.ensure_future(anext(changes, None))
    except AioRpcError:
        return  # the browser comes back by itself, and says what it has seen
    finally:
        for waiting in (gone, coming):
            waiting.cancel()
        await asyncio.gather(gone, coming, return_exceptions=True)
