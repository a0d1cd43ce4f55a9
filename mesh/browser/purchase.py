"""How does somebody buy on the shop's page? As people do: by what is written on its links, buttons and fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from playwright.async_api import Locator, Page, expect

FINAL = re.compile("^(CONFIRMED|FAILED|CANCELLED)$")
PATIENCE = 30_000.0  # milliseconds; most orders are confirmed in a fraction of one of these thirty seconds


@dataclass(frozen=True)
class Card:
    """What is typed into the check-out form."""

    number: str
    month: str = "12"
    year: str = "2030"
    security_code: str = "123"


GOOD = Card("4242424242424242")
DECLINED = Card("4000000000000002")


async def put_into_cart(page: Page, product: str, quantity: int = 1) -> None:
    """Look a product up by its name and take so many."""
    await page.get_by_role("searchbox").fill(product)
    await page.get_by_role("searchbox").press("Enter")
    await page.get_by_role("main").get_by_role("link", name=product).first.click()
    await page.get_by_label("Quantity", exact=True).fill(str(quantity))
    await page.get_by_role("button", name="Add to cart").click()


async def check_out(page: Page, card: Card = GOOD) -> None:
    """Order what is in the cart and pay with this card."""
    await page.get_by_role("link", name="Cart").first.click()
    await page.get_by_role("link", name="Check out").click()
    await pay(page, card)


async def pay(page: Page, card: Card) -> None:
    """Fill in the form for the card and send it."""
    await fill_in(page, card)
    await page.get_by_role("button", name="Place order").click()


async def fill_in(page: Page, card: Card) -> None:
    """Type a card into the form."""
    await page.get_by_label("Card number").fill(card.number)
    await page.get_by_label("Expiry month").fill(card.month)
    await page.get_by_label("Expiry year").fill(card.year)
    await page.get_by_label("Security code").fill(card.security_code)


async def followed(page: Page) -> str:
    """The state in which the order on this page ends; the page learns it by itself."""
    state = status(page)
    await expect(state).to_have_attribute("data-state", FINAL, timeout=PATIENCE)
    return await state.get_attribute("data-state") or ""


def status(page: Page) -> Locator:
    """What the order's page says of its state."""
    return page.locator("[data-state]")


def order_id(page: Page) -> str:
    """Of the order on this page. Raises ValueError where there is none."""
    return str(UUID(page.url.rstrip("/").rpartition("/orders/")[2].partition("?")[0]))
