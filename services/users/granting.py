"""How does an account become an admin's? By a command, run where the database is: no RPC can.

python -m services.users grant ada@example.com admin
"""

from __future__ import annotations

import logging
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.hosting import HostSettings
from services.hosting.database import open_database
from services.hosting.errors import CannotStart
from services.users import accounts
from services.users.account import Role, folded

logger = logging.getLogger("argosy.users")


@dataclass(frozen=True)
class Grant:
    """The command `grant`."""

    name: ClassVar[str] = "grant"
    help: ClassVar[str] = "say what an account may do, and end"

    settings: type[HostSettings]
    migrations: Path

    def declare(self, parser: ArgumentParser, service: str) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the address it signs in with")
        parser.add_argument("role", metavar="ROLE", choices=[role.value for role in Role], help=" or ".join(Role))
        parser.description = (
            "Say what an account may do: a customer buys, an admin also changes products and stock and sees every "
            "order. Tokens say so from the next Refresh on, ten minutes at the latest. "
            "Exit code 0: it is so now; 1: there is no such account; 2: wrong usage or settings."
        )
        parser.epilog = f"example: python -m services.{service} grant ada@example.com admin"

    async def run(self, settings: HostSettings, arguments: Namespace) -> None:
        """Grant the role. Raises CannotStart."""
        role = Role(arguments.role)
        wait = settings.database_wait_seconds
        async with open_database(
            settings.database_url, self.migrations, migrating=False, wait_seconds=wait, connections=2
        ) as database:
            if not await database.write(accounts.grant, folded(arguments.email), role):
                raise CannotStart("there is no account with this address: it has to register first")
        logger.info("role granted", extra={"role": role.value})
