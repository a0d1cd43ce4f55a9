"""What does the shop look like? `make pictures` asks a real browser, and writes docs/pictures/*.png."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize
from rich.console import Console

from mesh.browser import purchase
from mesh.browser.chromium import ensure_chromium
from mesh.browser.driving import driven
from mesh.local.cache import cache_folder
from mesh.local.progress import ConsoleProgress, Progress
from tests.browser.accounts import sign_in_as_admin
from tests.browser.whole_shop import SOLD, WholeShop, opened

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DESK = ViewportSize(width=1100, height=760)
PHONE = ViewportSize(width=390, height=760)


class Photographer:
    """Takes pictures of a shop."""

    def __init__(self, browser: Browser, shop: WholeShop, progress: Progress) -> None:
        self._browser, self._shop, self._progress = browser, shop, progress

    async def tour(self) -> None:
        """Every picture there is."""
        page = await self._visitor(DESK)
        await self._take(page, "home", "/")
        await purchase.put_into_cart(page, "Brass compass", quantity=2)
        await purchase.put_into_cart(page, "Deck lantern")
        await self._take(page, "product", "/products/brass-compass")
        await self._take(page, "cart", "/cart")
        await purchase.check_out(page)
        await purchase.followed(page)
        await self._take(page, "order", page.url)
        await self._take(await self._visitor(PHONE), "phone", "/")
        await self._take(await self._visitor(DESK, "dark"), "dark", "/categories/navigation")
        admin = await self._visitor(DESK)
        await sign_in_as_admin(admin, self._shop)
        await self._take(admin, "admin", "/admin/products")
        async with self._shop.without("recommendations"):
            await self._take(page, "degraded", "/products/brass-compass")

    async def _visitor(self, size: ViewportSize, scheme: Literal["light", "dark"] = "light") -> Page:
        return await self._browser.new_page(base_url=self._shop.page, viewport=size, color_scheme=scheme)

    async def _take(self, page: Page, name: str, path: str) -> None:
        await page.goto(path, wait_until="networkidle")
        file = FOLDER / f"{name}.png"
        await page.screenshot(path=file, animations="disabled")
        self._progress.done(f"docs/pictures/{file.name} ({file.stat().st_size // 1024} KiB)")


async def main() -> None:
    """Start a shop of our own, take the pictures, and end it."""
    with ConsoleProgress(Console(stderr=True)) as progress, tempfile.TemporaryDirectory() as folder:
        chromium = ensure_chromium(cache_folder(), progress)
        progress.now("starting the shop")
        FOLDER.mkdir(exist_ok=True)
        async with opened(Path(folder), SOLD) as shop, driven(chromium) as browser:
            await Photographer(browser, shop, progress).tour()


if __name__ == "__main__":
    asyncio.run(main())
