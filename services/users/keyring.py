"""Which keys does this process publish? Those of the database, looked at every minute; the last known while it is away.

Signing reads the database each time, publishing never does: whoever asks for the keys, however often, costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from services.hosting.access_tokens import PublicKeys, public_keys
from services.hosting.database import Database
from services.users import signing_keys
from services.users.key_schedule import Schedule
from services.users.signing_keys import SigningKey

INTERVAL = 60.0  # seconds; key_schedule.py allows for more


class Keyring:
    """The public halves of the signing keys. Empty until `turn` was called."""

    def __init__(self, database: Database, now: Callable[[], int], schedule: Schedule, logger: logging.Logger) -> None:
        self.schedule = schedule
        self.jwks = ""
        self.public: PublicKeys = {}
        self._database, self._now, self._logger = database, now, logger

    async def run(self) -> None:
        """Look every minute until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            await self.turn()

    async def signer(self) -> SigningKey:
        """The key that signs now."""
        return await self._database.read(signing_keys.signer, self.schedule, self._now())

    async def turn(self) -> None:
        """Make and forget keys as the schedule says, and publish what there is then."""
        turned = await self._database.write(signing_keys.turn, self.schedule, self._now())
        for kid in turned.made:
            self._logger.info("signing key made", extra={"kid": kid})
        for kid in turned.forgotten:
            self._logger.info("signing key forgotten", extra={"kid": kid})
        self.jwks = signing_keys.jwks(turned.keys)
        self.public = public_keys(self.jwks)
