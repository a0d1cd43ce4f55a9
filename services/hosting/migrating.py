"""How is a service's database brought to its newest revision before its pods are? By a command of the service.

    python -m services.catalog migrate

It upgrades the schema, adds the seed, and may be run again at any time; of two at once, one waits.
Pods with SCHEMA=wait wait for it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from services.hosting.hosted import Host
from services.hosting.settings import HostSettings

if TYPE_CHECKING:
    from services.hosting.schema import Seed

Settings = TypeVar("Settings", bound=HostSettings)


@dataclass(frozen=True)
class Migration(Generic[Settings]):
    """A service's command `migrate`: the settings it needs, the revisions, and the seed."""

    name: ClassVar[str] = "migrate"
    help: ClassVar[str] = "bring the database to its newest revision, seed it, and end"

    settings: type[Settings]
    migrations: Path
    seed: Callable[[Settings, Host], Seed | None] = lambda *_: None

    def declare(self, parser: ArgumentParser, service: str) -> None:
        parser.description = (
            "Bring the database at DATABASE_URL to its newest revision, add the seed, and end. "
            "Exit code 0: it is so now; 1: it cannot be; 2: wrong usage or settings."
        )
        parser.epilog = (
            f"example: DATABASE_URL=postgresql+psycopg://shop@db/{service} python -m services.{service} migrate"
        )

    async def run(self, settings: Settings, arguments: Namespace) -> None:
        """Migrate. Raises CannotStart."""
        del arguments
        from services.hosting.database import migrate  # noqa: PLC0415  # a process without one does not load it

        seed = self.seed(settings, Host(settings))
        await migrate(settings.database_url, self.migrations, seed=seed, wait_seconds=settings.database_wait_seconds)
