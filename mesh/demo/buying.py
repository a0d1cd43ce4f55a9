"""Step 8: does the page sell, to somebody with nothing but a browser?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from shop.orders.v1.orders_pb2 import GetOrderRequest, OrderState
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from mesh.demo.claims import Check, Skipped, Step, exactly
from mesh.demo.stage import Stage
from mesh.local.cache import cache_folder
from mesh.local.problems import BuildFailed

if TYPE_CHECKING:
    from playwright.async_api import Page

PRODUCT = "Brass compass"


@dataclass(frozen=True)
class _Saying:
    """Progress as lines of the tour."""

    say: Callable[[str], None]

    def now(self, text: str) -> None:
        self.say(f"{text} ...")

    def done(self, text: str) -> None:
        self.say(text)


async def run(stage: Stage) -> list[Check]:
    """A guest finds a product, puts it into the cart, pays, and sees the order's state change on the page."""
    address = f"http://{stage.gateway}/"
    stage.say(f"the shop's page: {address}")
    try:  # what drives a browser is no part of the tools that an operator installs
        from mesh.browser.chromium import ensure_chromium  # noqa: PLC0415
        from mesh.browser.driving import driven  # noqa: PLC0415
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed, `make ready` installs it") from error
    try:
        chromium = await asyncio.to_thread(ensure_chromium, cache_folder(), _Saying(stage.say))
        async with driven(chromium) as browser:
            stage.say(f"Chromium {browser.version}: {chromium.program}")
            return await _buy(stage, await browser.new_page(base_url=address))
    except BuildFailed as error:
        raise Skipped(str(error)) from error


async def _buy(stage: Stage, page: Page) -> list[Check]:
    from mesh.browser import purchase  # noqa: PLC0415

    refused = list[str]()
    page.on("response", lambda response: refused.append(response.url) if response.status >= 400 else None)  # noqa: PLR2004
    await page.goto("/")
    await purchase.put_into_cart(page, PRODUCT)
    await purchase.check_out(page)
    state = await purchase.followed(page)
    stage.say(f"{PRODUCT} bought: {page.url}")
    said = await _state(stage.gateway, purchase.order_id(page))
    return [
        Check("state on the order's page", state, "CONFIRMED", state == "CONFIRMED"),
        Check("state that orders tells over gRPC", said, "CONFIRMED", said == "CONFIRMED"),
        exactly("answers of 400 and more", len(refused), 0),
    ]


async def _state(gateway: str, order_id: str) -> str:
    async with grpc.aio.insecure_channel(gateway) as channel:
        asked = OrdersServiceStub(channel).GetOrder(GetOrderRequest(order_id=order_id), timeout=5.0)
        state = (await asked).order.state
    return OrderState.Name(state).removeprefix("ORDER_STATE_")


STEP = Step("The page", "Somebody with a browser buys through the gateway, and the page tells how it goes.", run)
