"""Who writes down a charge whose process died and whose caller never came back? A comparison with the gateway.

Every real shop compares its books with its processor's; this one does it every few seconds. It takes the gateway's
word: an outcome half a minute old that payments does not have, or not as far, is written down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from services.hosting.database import Database
from services.payments import ledger
from services.payments.card_gateway import CardGateway

INTERVAL = 5.0  # seconds
SETTLED = 30_000_000  # microseconds after which the call that made an outcome is over
BATCH = 500  # outcomes compared at once


class Reconciler:
    """Brings payments' books up to the gateway's."""

    def __init__(
        self, database: Database, gateway: CardGateway, now: Callable[[], int], logger: logging.Logger
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._now = now
        self._logger = logger
        self._seen = (0, "")  # everything is compared again after a restart

    async def run(self) -> None:
        """Compare every few seconds until cancelled."""
        while True:
            await self.reconcile()
            await asyncio.sleep(INTERVAL)

    async def reconcile(self) -> int:
        """Write down what is missing of the gateway's outcomes; how many that were."""
        until = self._now() - SETTLED
        found = 0
        while changes := await self._gateway.changes(self._seen, until, BATCH):
            for outcome in await self._database.read(ledger.unrecorded, [outcome for _, outcome in changes]):
                await self._database.write(ledger.record, outcome)
                self._logger.warning("payment reconciled", extra={"key": outcome.key, "state": outcome.state.value})
                found += 1
            self._seen = changes[-1][0]
        return found
