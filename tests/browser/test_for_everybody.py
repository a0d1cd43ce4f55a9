"""Can everybody use the shop? With a screen reader's eyes (axe), by keyboard alone, and on the smallest phone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, ViewportSize

from mesh.browser import purchase
from mesh.browser.purchase import GOOD
from tests.browser.accounts import sign_in_as_admin
from tests.browser.whole_shop import WholeShop

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

Scheme = Literal["light", "dark"]
FOR_GUESTS = (
    "/",
    "/search?q=compass",
    "/search?q=nothing-like-it",
    "/products/brass-compass",
    "/categories/navigation",
    "/cart",
    "/checkout?product=brass-compass",
    "/orders",
    "/sign-in",
    "/register",
    "/nowhere",
)
FOR_ADMINS = ("/account", "/admin/products", "/admin/products/brass-compass", "/admin/stock", "/admin/orders")
GRAVE = ("serious", "critical")
PHONE = ViewportSize(width=320, height=640)
MOST_TABS = 100


@pytest_asyncio.fixture(loop_scope="session")
async def admin(page: Page, shop: WholeShop) -> Page:
    """The page of somebody who may change products."""
    await sign_in_as_admin(page, shop)
    return page


async def violations(page: Page) -> list[str]:
    found: Iterable[dict[str, Any]] = (await Axe().run(page)).response["violations"]
    return [
        f"{page.url}: {one['id']} ({one['impact']}) {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in GRAVE
    ]


async def overhang(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_grave_on_any_page(admin: Page, scheme: Scheme) -> None:
    await admin.emulate_media(color_scheme=scheme)
    found = list[str]()
    await admin.goto("/checkout?product=brass-compass")
    await purchase.pay(admin, GOOD)
    await purchase.followed(admin)
    found += await violations(admin)  # the order
    await purchase.put_into_cart(admin, "Deck lantern")
    for path in (*FOR_GUESTS, *FOR_ADMINS):
        await admin.goto(f"{path}{'&' if '?' in path else '?'}debug")
        found += await violations(admin)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_grave_where_something_is_wrong(page: Page, shop: WholeShop, scheme: Scheme) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto("/checkout?product=brass-compass")
    await purchase.pay(page, purchase.DECLINED)
    await page.get_by_role("alert").wait_for()
    found = await violations(page)
    async with shop.without("recommendations"):
        for path in ("/", "/products/brass-compass"):
            await page.goto(path)
            found += await violations(page)
    assert found == []


async def test_axe_would_find_something(page: Page) -> None:
    await page.goto("/")
    await page.evaluate("document.querySelector('main').innerHTML += '<img src=/static/argosy.svg>'")
    assert [line for line in await violations(page) if "image-alt (critical)" in line]


async def test_no_page_is_wider_than_the_smallest_phone(admin: Page) -> None:
    await admin.set_viewport_size(PHONE)
    await purchase.put_into_cart(admin, "Brass compass")
    wide = dict[str, int]()
    for path in (*FOR_GUESTS, *FOR_ADMINS):
        await admin.goto(f"{path}{'&' if '?' in path else '?'}debug")
        if (pixels := await overhang(admin)) > 0:
            wide[path] = pixels
    assert wide == {}


async def test_a_page_that_is_too_wide_would_be_seen(page: Page) -> None:
    await page.set_viewport_size(PHONE)
    await page.goto("/")
    await page.evaluate("document.querySelector('main').style.minWidth = '400px'")
    assert await overhang(page) > 0


async def focused(page: Page) -> str:
    """What the element that has the focus is called."""
    name: str = await page.evaluate(
        """() => {
            const at = document.activeElement;
            const label = at.labels && at.labels.length ? at.labels[0].innerText : at.innerText;
            return (at.getAttribute("aria-label") || label || "").trim();
        }"""
    )
    return name


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the thing of that name has the focus, and see that it is shown where the focus is."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if (await focused(page)).startswith(name):
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nobody sees that {name} has the focus"
            return
    raise AssertionError(f"no Tab leads to {name} on {page.url}")


async def test_somebody_without_a_mouse_buys(page: Page) -> None:
    keys = page.keyboard
    await page.goto("/")
    await tab_to(page, "Skip to content")
    await keys.press("Enter")
    await page.goto("/")
    await tab_to(page, "Search")
    await keys.type("brass compass")
    await keys.press("Enter")
    await page.wait_for_url("**/search?*")
    await tab_to(page, "Brass compass")
    await keys.press("Enter")
    await page.wait_for_url("**/products/brass-compass")
    await tab_to(page, "Add to cart")
    await keys.press("Enter")
    await page.wait_for_url("**/cart?*")
    await tab_to(page, "Check out")
    await keys.press("Enter")
    await page.wait_for_url("**/checkout")
    for label, text in (
        ("Card number", GOOD.number),
        ("Expiry month", GOOD.month),
        ("Expiry year", GOOD.year),
        ("Security code", GOOD.security_code),
    ):
        await tab_to(page, label)
        await keys.type(text)
    await tab_to(page, "Place order")
    await keys.press("Enter")
    await page.wait_for_url("**/orders/*")
    assert await purchase.followed(page) == "CONFIRMED"


async def test_a_thing_that_no_tab_reaches_would_be_missed(page: Page) -> None:
    await page.goto("/products/brass-compass")
    await page.evaluate("document.querySelectorAll('.buy button').forEach((button) => (button.tabIndex = -1))")
    with pytest.raises(AssertionError, match="no Tab leads to Add to cart"):
        await tab_to(page, "Add to cart")
