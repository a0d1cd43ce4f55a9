"""Waiting for something to become true, without saying how long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 20.0


async def until(true: Callable[[], object]) -> None:
    """Return as soon as `true()` is; raises TimeoutError after PATIENCE seconds."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.01)
