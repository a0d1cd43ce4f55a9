"""Who finishes an order whose process has died? Any process, as soon as its lease is over.

No process knows which others died, and none has to: a lease that nobody renews says it.
The same loop tries again what no service answered before, with growing waits.
"""

from __future__ import annotations

import asyncio
import logging

from services.orders.book import Book
from services.orders.driving import Driver
from services.orders.order import Order
from services.orders.saga import interrupted
from services.orders.store import Overtaken
from services.orders.telemetry import SagaMetrics

AT_ONCE = 16
"""Orders recovered side by side: enough to catch up, few enough to leave the services to the callers."""


class Recovery:
    """Takes over orders nobody works on, and finishes them. Every replica runs it."""

    def __init__(
        self, book: Book, driver: Driver, metrics: SagaMetrics, logger: logging.Logger, *, interval: float
    ) -> None:
        self._book, self._driver, self._metrics, self._logger = book, driver, metrics, logger
        self._interval = interval

    async def run(self) -> None:
        """Look every `interval` seconds, for ever."""
        while True:
            if await self.sweep() < AT_ONCE:
                await asyncio.sleep(self._interval)

    async def sweep(self) -> int:
        """Take over what is there, AT_ONCE at most, and see each to its end or its next wait; how many did not fail."""
        ended = await asyncio.gather(*map(self._recover, await self._book.lapsed(AT_ONCE)), return_exceptions=True)
        failures = [failed for failed in ended if isinstance(failed, BaseException)]
        for failed in failures:  # its next lease will lapse, too, or it is still there to be taken over
            self._logger.error("recovery of an order failed", exc_info=failed)
        return len(ended) - len(failures)

    async def _recover(self, order: Order) -> None:
        try:
            taken = await self._book.take(order, interrupted(order.progress), "recover")
            self._metrics.recovered()
            facts = {"order_id": order.order_id, "state": order.progress.state.value, "left_by": order.owner or ""}
            self._logger.info("order recovered", extra=facts)
            await self._driver.finish(taken)
        except Overtaken:
            return  # another replica was quicker, or the caller has come back
