"""How does a start wait for a database that cannot be used yet? It looks again, says why it waits, and gives up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TypeVar

LOOK_AGAIN = 0.5  # seconds

T = TypeVar("T")

logger = logging.getLogger("argosy.database")


class NotYet(Exception):
    """The database cannot be used now, but perhaps soon; the message says why."""


async def patiently(look: Callable[[], T], *, seconds: float) -> T:
    """What `look` returns, in a thread, once it no longer raises NotYet. Raises it when that takes too long.

    Pods start in any order: the server, the migration and whoever waits for both.
    """
    end, told = time.monotonic() + seconds, ""
    while True:
        try:
            return await asyncio.to_thread(look)
        except NotYet as why:
            if time.monotonic() > end:
                raise
            if str(why) != told:
                logger.warning("waiting for the database", extra={"said": str(why), "at_most": seconds})
            told = str(why)
        await asyncio.sleep(LOOK_AGAIN)
