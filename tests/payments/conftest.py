from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from shop.payments.v1 import payments_pb2
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub, add_PaymentsServiceServicer_to_server

from services.hosting import Hosted
from services.hosting.clock import microseconds
from services.hosting.database import Database, open_database
from services.payments.__main__ import MIGRATIONS
from services.payments.card_gateway import MockCardGateway
from services.payments.charging import Charging
from services.payments.servicer import PaymentsServicer
from tests.hosting.databases import Databases
from tests.hosting.running import FakeClock, serve


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("payments")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, MIGRATIONS) as database:
        yield database


@pytest.fixture
def gateway(database: Database, clock: FakeClock) -> MockCardGateway:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return MockCardGateway(database, lambda: microseconds(clock.now()), sleep)


@pytest.fixture
async def payments(database: Database, gateway: MockCardGateway) -> AsyncIterator[PaymentsServiceStub]:
    """The service behind its real interceptors; nothing reconciles but the test."""
    servicer = PaymentsServicer(database, Charging(database, gateway))
    service = payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"]
    hosted = Hosted([(service, servicer, add_PaymentsServiceServicer_to_server)])
    async with serve(hosted, adaptive_limit="off") as channel:  # a crowd of calls is not refused
        yield PaymentsServiceStub(channel)
