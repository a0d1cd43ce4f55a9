from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub, add_InventoryServiceServicer_to_server

from services.hosting import Hosted
from services.hosting.clock import microseconds
from services.hosting.database import Database, open_database
from services.inventory.__main__ import MIGRATIONS
from services.inventory.servicer import InventoryServicer
from tests.hosting.databases import Databases
from tests.hosting.running import FakeClock, serve


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("inventory")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, MIGRATIONS) as database:
        yield database


@pytest.fixture
async def inventory(database: Database, clock: FakeClock) -> AsyncIterator[InventoryServiceStub]:
    """The service behind its real interceptors; nothing sweeps but the test."""
    servicer = InventoryServicer(database, lambda: microseconds(clock.now()), default_hold=600)
    service = inventory_pb2.DESCRIPTOR.services_by_name["InventoryService"]
    hosted = Hosted([(service, servicer, add_InventoryServiceServicer_to_server)])
    async with serve(hosted, adaptive_limit="off") as channel:  # a crowd of calls is not refused
        yield InventoryServiceStub(channel)
