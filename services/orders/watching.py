"""How does a watcher learn that an order has changed? At once in this process, soon from another."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LOOK_AGAIN_SECONDS = 1.0
"""How often an order is read although nothing has changed here: another replica may have changed it."""


class Changes:
    """Wakes those who wait for an order of which this process has written a new version."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def tell(self, order_id: str) -> None:
        """Wake everybody who waits for this order."""
        for changed in self._waiting.get(order_id, ()):
            changed.set()

    @contextmanager
    def of(self, order_id: str) -> Iterator[asyncio.Event]:
        """An event that is set with every change of this order; the waiter clears it."""
        changed = asyncio.Event()
        self._waiting[order_id].add(changed)
        try:
            yield changed
        finally:
            self._waiting[order_id].discard(changed)
            if not self._waiting[order_id]:
                del self._waiting[order_id]


async def changed_or_time(changed: asyncio.Event) -> None:
    """Wait for a change here, or until it is time to look for one of another replica."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
            await changed.wait()
