"""One shop and one browser for all tests of a process; each test has a profile of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page
from rich.console import Console

from mesh.browser.chromium import ensure_chromium
from mesh.browser.driving import driven
from mesh.local.cache import cache_folder
from mesh.local.progress import ConsoleProgress
from tests.browser.visit import Visit
from tests.browser.whole_shop import SOLD, WholeShop, opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeShop]:
    async with opened(tmp_path_factory.mktemp("shop"), SOLD) as shop:
        yield shop


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = ensure_chromium(cache_folder(), ConsoleProgress(Console(stderr=True)))
    async with driven(chromium) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, shop: WholeShop) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(base_url=shop.page)
    context.set_default_timeout(30_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(context: BrowserContext, shop: WholeShop) -> AsyncIterator[Visit]:
    """What the page asks for and complains of while the test runs; it must be nothing."""
    visit = Visit(context, shop.page)
    yield visit
    assert visit.complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, visit: Visit) -> Page:
    return await context.new_page()
