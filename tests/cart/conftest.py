from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from shop.cart.v1 import cart_pb2
from shop.cart.v1.cart_pb2_grpc import CartServiceStub, add_CartServiceServicer_to_server

from services.cart.__main__ import MIGRATIONS
from services.cart.servicer import CartServicer
from services.hosting import Hosted
from services.hosting.clock import microseconds
from services.hosting.database import Database, open_database
from tests.hosting.databases import Databases
from tests.hosting.running import FakeClock, serve


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("cart")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, MIGRATIONS) as database:
        yield database


@pytest.fixture
async def cart(database: Database, clock: FakeClock) -> AsyncIterator[CartServiceStub]:
    """The service behind its real interceptors."""
    servicer = CartServicer(database, lambda: microseconds(clock.now()))
    service = cart_pb2.DESCRIPTOR.services_by_name["CartService"]
    hosted = Hosted([(service, servicer, add_CartServiceServicer_to_server)])
    async with serve(hosted, adaptive_limit="off") as channel:  # a crowd of calls is not refused
        yield CartServiceStub(channel)
