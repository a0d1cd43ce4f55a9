"""What is typed while customers go on shopping: this process has their calls in hand, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.end_to_end import conftest
from tests.end_to_end.conftest import Done

PATIENCE = 120.0  # seconds


async def argosy(*arguments: str) -> Done:
    """Type one argosy command and wait for its end."""
    return await asyncio.to_thread(conftest.argosy, *arguments)


async def kubectl(*arguments: str) -> Done:
    """The same for kubectl, in the shop's namespace; it has to go well."""
    done = await asyncio.to_thread(conftest.kubectl, *arguments)
    assert done.code == 0, done.err
    return done


async def eventually(what: str, seen: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Wait until `seen()` is what is wanted."""
    last = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (last := await seen()) != wanted:
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise AssertionError(f"{what}: {last}") from None
