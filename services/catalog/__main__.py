"""Catalog, as a process: `python -m services.catalog`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic.dataclasses import dataclass
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import add_CatalogServiceServicer_to_server

from services.catalog import policy, store
from services.catalog.seed import read_seed
from services.catalog.servicer import CatalogServicer
from services.hosting import Host, Hosted, HostSettings, run
from services.hosting.clock import microseconds
from services.hosting.database import open_database

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class CatalogSettings(HostSettings):
    service_name: str = "catalog"
    seed_file: Path | None = None


@asynccontextmanager
async def build(settings: CatalogSettings, host: Host) -> AsyncIterator[Hosted]:
    def now() -> int:
        return microseconds(host.clock.now())

    seed = read_seed(settings.seed_file) if settings.seed_file else []
    async with open_database(settings.database_url, MIGRATIONS, connections=settings.database_connections) as database:
        if seed:
            added = await database.write(store.add_absent, seed, now())
            host.logger.info("seeded", extra={"added": added})
        servicer = CatalogServicer(database, now)
        service = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
        yield Hosted(servicers=[(service, servicer, add_CatalogServiceServicer_to_server)], policy=policy.SERVER)


if __name__ == "__main__":
    run(CatalogSettings, build)
