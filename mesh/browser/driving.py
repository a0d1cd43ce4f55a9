"""How is Chromium driven? By Playwright, without a window, and asking nobody but the pages it is sent to."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Error, async_playwright

from mesh.browser.chromium import Chromium
from mesh.browser.problems import NoChromium

# No sandbox: it needs user namespaces or a set-uid helper, which containers do not have, and the pages are our own.
# The rest keeps a browser quiet that would else look for updates and accounts.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def driven(chromium: Chromium) -> AsyncIterator[Browser]:
    """A browser with an empty profile of its own. Raises NoChromium when it does not start."""
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=chromium.program, args=_FLAGS, env={**os.environ, **chromium.environment}
            )
        except Error as error:
            raise NoChromium(f"{chromium.program} does not start: {error.message[-500:]}") from error
        try:
            yield browser
        finally:
            await browser.close()
