"""What does the shop still do when a service behind it is away, or silent?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.storefront import harbour as shop
from tests.storefront.browser import PASSWORD, Browser, found, order_id
from tests.storefront.harbour import Harbour

RECOMMENDATIONS = 'data-degraded="recommendations"'


@pytest.mark.parametrize("path", ["/", "/products/mug"])
async def test_without_recommendations_a_page_says_that_there_are_none(
    harbour: Harbour, browser: Browser, path: str
) -> None:
    with harbour.sidecars.without("recommendations"):
        answer = await browser.look(path)
    assert answer.status_code == 200
    assert RECOMMENDATIONS in answer.text
    assert "No suggestions just now" in answer.text
    assert "recommendations" in answer.headers["argosy-degraded"]


async def test_the_negative_control_does_without_nobody(harbour: Harbour, tmp_path: Path) -> None:
    insisting = tmp_path / "page"
    everywhere = replace(harbour, socket=insisting)
    async with shop.page(insisting, harbour.address, resilience="off"), everywhere.visitor() as client:
        with harbour.sidecars.without("recommendations"):
            assert (await client.get("/")).status_code == 503


async def test_with_recommendations_nothing_is_said_to_be_missing(browser: Browser) -> None:
    while "argosy-degraded" in (answer := await browser.look("/products/mug")).headers:
        await asyncio.sleep(0.05)  # a busy machine; bounded by the test's timeout
    assert "data-degraded" not in answer.text


async def test_recommendations_that_swallow_every_call_delay_neither_page_nor_order(
    harbour: Harbour, browser: Browser
) -> None:
    with harbour.sidecars.unanswered("recommendations"):
        began = time.monotonic()
        bought = await browser.buy("mug")
        page = await browser.look("/products/mug")
        seconds = time.monotonic() - began
    assert 'data-state="CONFIRMED"' in bought.text
    assert RECOMMENDATIONS in bought.text
    assert RECOMMENDATIONS in page.text
    assert seconds < 5.0  # a single call that waited for its own deadline would take that long


async def test_without_cart_everything_can_be_looked_at_and_one_product_bought(
    harbour: Harbour, browser: Browser
) -> None:
    with harbour.sidecars.without("cart"):
        for path in ("/", "/search?q=mug", "/products/mug", "/orders"):
            page = await browser.look(path)
            assert page.status_code == 200
            assert 'data-degraded="cart"' in page.text
        bought = await browser.buy("mug")
        cart = await browser.look("/cart")
    assert 'data-state="CONFIRMED"' in bought.text
    assert cart.status_code == 503
    assert "Not answering just now: cart" in cart.text


async def test_a_cart_that_cannot_be_emptied_after_the_order_is_told_of(harbour: Harbour, browser: Browser) -> None:
    await browser.well("/cart")
    await browser.put_in("mug")
    form = await browser.form("/checkout", "/checkout")
    with harbour.sidecars.without("CheckOut"):
        bought = await browser.pay(form)
    assert 'data-state="CONFIRMED"' in bought.text
    assert "what you bought is still in it" in bought.text


async def test_without_users_guests_buy_and_nobody_signs_in(harbour: Harbour, browser: Browser) -> None:
    form = await browser.form("/sign-in", "/sign-in")
    with harbour.sidecars.without("users"):
        bought = await browser.buy("mug")
        refused = await browser.send(form, email="a@ship.example", password=PASSWORD)
    assert 'data-state="CONFIRMED"' in bought.text
    assert refused.status_code == 503
    assert "Not answering just now: users" in refused.text


async def test_without_inventory_a_page_says_that_it_cannot_count(harbour: Harbour, browser: Browser) -> None:
    with harbour.sidecars.without("inventory"):
        page = await browser.look("/products/mug")
    assert page.status_code == 200
    assert 'data-degraded="inventory"' in page.text


async def test_without_orders_the_form_keeps_its_key_so_that_pressing_again_buys_once(
    harbour: Harbour, browser: Browser
) -> None:
    form = await browser.form("/checkout?product=mug", "/checkout")
    with harbour.sidecars.without("orders"):
        unknown = await browser.pay(form)
        orders = await browser.look("/orders")
    assert unknown.status_code == 503
    assert "the same order is never placed twice" in unknown.text
    again = found(unknown, "/checkout")
    assert dict(again.fields)["key"] == dict(form.fields)["key"]
    assert orders.status_code == 503
    assert 'data-state="CONFIRMED"' in (await browser.pay(again)).text


async def test_without_catalog_an_order_is_still_shown_without_names(harbour: Harbour, browser: Browser) -> None:
    bought = await browser.buy("mug")
    with harbour.sidecars.without("catalog"):
        order = await browser.look(f"/orders/{order_id(bought)}")
        home = await browser.look("/")
    assert order.status_code == 200
    assert 'data-degraded="catalog"' in order.text
    assert home.status_code == 503
    assert "UNAVAILABLE" not in home.text
    assert "no healthy upstream" not in home.text


async def test_a_service_that_breaks_shows_nothing_of_how(harbour: Harbour, browser: Browser) -> None:
    with harbour.sidecars.without("ListCategories"):
        page = await browser.look("/")
    assert page.status_code == 503
    for inside in ("Traceback", "grpc", "AioRpc", "healthy", "services/"):
        assert inside not in page.text


async def test_debug_names_everybody_who_answered_and_everybody_who_did_not(harbour: Harbour, browser: Browser) -> None:
    services = ("storefront", "catalog", "cart", "inventory", "recommendations")
    page = await browser.see("/products/mug?debug", *(f"{service}-pod" for service in services))
    assert all(f'data-debug="{service}"' in page.text for service in services)
    with harbour.sidecars.without("cart"):
        assert "cart did not answer" in (await browser.look("/products/mug")).text
    assert "data-debug" not in (await browser.look("/?debug=off")).text
    assert "data-debug" not in (await browser.look("/")).text
