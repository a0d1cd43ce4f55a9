"""How does a visitor become a customer, or an admin, and show it?"""

from __future__ import annotations

import uuid

from playwright.async_api import Page

from tests.browser.whole_shop import WholeShop

PASSWORD = "wool that is warm when wet"


async def register(page: Page, email: str, name: str = "Atalanta") -> None:
    """Make an account."""
    await page.goto("/register")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await page.get_by_role("button", name="Sign out").wait_for()


async def sign_in(page: Page, email: str) -> None:
    """Show who one is."""
    await page.goto("/sign-in")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Sign out").wait_for()


async def sign_in_as_admin(page: Page, shop: WholeShop) -> None:
    """Make an account that may change products, and sign in with it."""
    email = f"{uuid.uuid4()}@example.com"
    await register(page, email)
    await shop.services["users"].command("grant", email, "admin")
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, email)
