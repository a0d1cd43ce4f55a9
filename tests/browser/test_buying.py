"""What people do in the shop, in a real browser: buy, be refused, follow an order, buy though a part is gone."""

from __future__ import annotations

import asyncio
import re
import signal
import uuid

import pytest
from playwright.async_api import Browser, Page, expect

from mesh.browser import purchase
from mesh.browser.purchase import DECLINED, GOOD, Card
from tests.browser.accounts import register, sign_in
from tests.browser.visit import Visit
from tests.browser.whole_shop import WholeShop

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

PRODUCT = "Brass compass"
NO_SUGGESTIONS = "[data-degraded=recommendations]"


async def in_cart(page: Page) -> int:
    """How many pieces the header says there are."""
    await page.goto("/")
    badge = page.get_by_role("link", name="Cart").locator(".badge")
    return int(await badge.inner_text()) if await badge.count() else 0


async def test_a_guest_buys_and_the_cart_is_empty_afterwards(page: Page) -> None:
    await page.goto("/")
    await purchase.put_into_cart(page, PRODUCT, quantity=2)
    await purchase.put_into_cart(page, "Deck lantern")
    assert await in_cart(page) == 3
    await purchase.check_out(page)
    assert await purchase.followed(page) == "CONFIRMED"
    await expect(page.get_by_role("main")).to_contain_text("2 pieces")
    assert await in_cart(page) == 0


async def test_a_registered_customer_finds_the_order_after_signing_in_anywhere(
    page: Page, browser: Browser, shop: WholeShop
) -> None:
    email = f"{uuid.uuid4()}@example.com"
    await register(page, email)
    await purchase.put_into_cart(page, PRODUCT)
    await purchase.check_out(page)
    await purchase.followed(page)
    elsewhere = await (await browser.new_context(base_url=shop.page)).new_page()
    await sign_in(elsewhere, email)
    await elsewhere.goto("/orders")
    await expect(elsewhere.locator(f"a[href='/orders/{purchase.order_id(page)}']").first).to_be_visible()
    await elsewhere.context.close()


@pytest.mark.parametrize(
    ("card", "words"),
    [(DECLINED, "declined"), (Card("4000000000009995"), "money"), (Card("4000000000000069"), "expired")],
    ids=["declined", "poor", "expired"],
)
async def test_a_card_that_is_refused_is_said_and_another_one_buys(page: Page, card: Card, words: str) -> None:
    await page.goto("/")
    await purchase.put_into_cart(page, PRODUCT)
    await purchase.check_out(page, card)
    await expect(page.get_by_role("alert")).to_contain_text(words)
    assert card.number not in await page.content()
    assert await in_cart(page) == 1
    await purchase.check_out(page)
    assert await purchase.followed(page) == "CONFIRMED"


async def test_a_button_pressed_twice_buys_once(browser: Browser, shop: WholeShop) -> None:
    context = await browser.new_context(base_url=shop.page, java_script_enabled=False)  # which would hold it back
    page = await context.new_page()
    await page.goto("/checkout?product=brass-compass")
    await purchase.fill_in(page, GOOD)
    await page.get_by_role("button", name="Place order").dblclick()
    await page.wait_for_url("**/orders/*")
    await page.goto("/orders")
    await expect(page.get_by_role("main").locator("a[href^='/orders/']")).to_have_count(1)
    await context.close()


async def test_everything_works_without_javascript(browser: Browser, shop: WholeShop) -> None:
    context = await browser.new_context(base_url=shop.page, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await purchase.put_into_cart(page, PRODUCT)
    await purchase.check_out(page)
    await expect(page.locator("[data-state=CONFIRMED]")).to_have_count(1)
    await context.close()


async def test_an_order_is_followed_live_and_the_page_is_never_loaded_again(
    page: Page, visit: Visit, shop: WholeShop
) -> None:
    loads = list[str]()
    payments, beside = shop.services["payments"], await page.context.new_page()
    visit.forgiven.add(503)  # what the form may say of a bank that is slower than its patience
    await page.goto("/checkout?product=brass-compass")
    payments.signal(signal.SIGSTOP)
    try:
        await purchase.pay(page, GOOD)
        placed = beside.get_by_role("main").locator("a[href^='/orders/']")
        await beside.goto("/orders")
        while not await placed.count():
            await beside.reload()
        await placed.first.click()
        await expect(purchase.status(beside)).to_have_attribute("data-state", re.compile("RESERVED|COMPENSATING"))
        beside.on("load", lambda loaded: loads.append(loaded.url))
    finally:
        payments.signal(signal.SIGCONT)
    assert await purchase.followed(beside) in {"CONFIRMED", "FAILED"}
    assert loads == []


async def test_a_cancelled_order_says_so_and_cannot_be_cancelled_again(page: Page) -> None:
    await page.goto("/checkout?product=brass-compass")
    await purchase.pay(page, GOOD)
    await purchase.followed(page)
    await page.get_by_role("button", name="Cancel order").click()
    await expect(purchase.status(page)).to_have_attribute("data-state", "CANCELLED", timeout=purchase.PATIENCE)
    await expect(page.get_by_role("button", name="Cancel order")).to_have_count(0)


async def test_without_recommendations_the_page_says_so_and_sells(page: Page, shop: WholeShop) -> None:
    await page.goto("/products/brass-compass")
    async with asyncio.timeout(60):  # on a busy machine the page does not wait for them, and says so
        while await page.locator(NO_SUGGESTIONS).count():
            await page.reload()
    async with shop.without("recommendations"):
        await page.goto("/products/brass-compass")
        await expect(page.locator(NO_SUGGESTIONS)).to_contain_text("No suggestions just now")
        await purchase.put_into_cart(page, PRODUCT)
        await purchase.check_out(page)
        assert await purchase.followed(page) == "CONFIRMED"
        await expect(page.locator(NO_SUGGESTIONS)).to_be_visible()


async def test_without_carts_one_product_can_be_bought(page: Page, shop: WholeShop) -> None:
    async with shop.without("cart"):
        await page.goto("/products/brass-compass")
        await expect(page.locator("[data-degraded=cart]")).to_be_attached()
        await page.get_by_role("button", name="Buy one now").click()
        await purchase.pay(page, GOOD)
        assert await purchase.followed(page) == "CONFIRMED"


async def test_without_accounts_guests_buy(page: Page, shop: WholeShop) -> None:
    async with shop.without("users"):
        await page.goto("/")
        await purchase.put_into_cart(page, PRODUCT)
        await purchase.check_out(page)
        assert await purchase.followed(page) == "CONFIRMED"


async def test_who_is_curious_sees_which_pod_of_which_version_answered(page: Page) -> None:
    await page.goto("/products/brass-compass")
    await expect(page.locator("[data-debug]")).to_have_count(0)
    await page.goto("/products/brass-compass?debug")
    for service in ("storefront", "catalog"):
        await expect(page.locator(f"[data-debug={service}]").first).to_contain_text(f"v1 {service}-1")
    await page.goto("/cart")  # it stays until it is hidden
    await expect(page.locator("[data-debug=storefront]")).to_be_visible()
