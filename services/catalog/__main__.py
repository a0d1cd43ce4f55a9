"""Catalog, as a process: `python -m services.catalog`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from pydantic.dataclasses import dataclass
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import add_CatalogServiceServicer_to_server

from services.catalog import policy, store
from services.catalog.seed import read_seed
from services.catalog.servicer import CatalogServicer
from services.hosting import Host, Hosted, HostSettings, Migration, run
from services.hosting.schema import Seed

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class CatalogSettings(HostSettings):
    service_name: str = "catalog"
    seed_file: Path | None = None


def seed(settings: CatalogSettings, host: Host) -> Seed:
    """What adds the products of SEED_FILE. Raises CannotStart."""
    products = read_seed(settings.seed_file) if settings.seed_file else []
    return partial(store.sow, products=products, now=host.now())


@asynccontextmanager
async def build(settings: CatalogSettings, host: Host) -> AsyncIterator[Hosted]:
    async with host.database(MIGRATIONS, seed(settings, host)) as database:
        servicer = CatalogServicer(database, host.now)
        service = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
        yield Hosted(servicers=[(service, servicer, add_CatalogServiceServicer_to_server)], policy=policy.SERVER)


if __name__ == "__main__":
    run(CatalogSettings, build, Migration(CatalogSettings, MIGRATIONS, seed))
