"""Inventory, as a process: `python -m services.inventory`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass
from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import add_InventoryServiceServicer_to_server

from services.hosting import Host, Hosted, HostSettings, Migration, run
from services.hosting.schema import Seed
from services.inventory import policy
from services.inventory.expiry import Expirer
from services.inventory.seed import read_seed, sow
from services.inventory.servicer import InventoryServicer

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class InventorySettings(HostSettings):
    service_name: str = "inventory"
    seed_file: Path | None = None
    hold_seconds: float = Field(default=600.0, ge=1, le=3600)  # when Reserve does not say


def seed(settings: InventorySettings, _: Host) -> Seed:
    """What opens the books of the products of SEED_FILE. Raises CannotStart."""
    return partial(sow, products=read_seed(settings.seed_file) if settings.seed_file else [])


@asynccontextmanager
async def build(settings: InventorySettings, host: Host) -> AsyncIterator[Hosted]:
    async with host.database(MIGRATIONS, seed(settings, host)) as database:
        servicer = InventoryServicer(database, host.now, default_hold=settings.hold_seconds)
        service = inventory_pb2.DESCRIPTOR.services_by_name["InventoryService"]
        yield Hosted(
            servicers=[(service, servicer, add_InventoryServiceServicer_to_server)],
            background=[Expirer(database, host.now, host.logger).run],
            policy=policy.SERVER,
        )


if __name__ == "__main__":
    run(InventorySettings, build, Migration(InventorySettings, MIGRATIONS, seed))
