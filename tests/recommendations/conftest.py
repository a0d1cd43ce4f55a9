from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from shop.recommendations.v1 import recommendations_pb2
from shop.recommendations.v1.recommendations_pb2_grpc import (
    RecommendationsServiceStub,
    add_RecommendationsServiceServicer_to_server,
)

from services.hosting import Hosted
from services.hosting.clock import microseconds
from services.hosting.database import Database, open_database
from services.recommendations.__main__ import MIGRATIONS
from services.recommendations.servicer import RecommendationsServicer
from services.recommendations.views import Inbox
from tests.hosting.databases import Databases
from tests.hosting.running import FakeClock, serve


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("recommendations")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, MIGRATIONS) as database:
        yield database


@pytest.fixture
def inbox(database: Database) -> Inbox:
    return Inbox(database)


@pytest.fixture
async def recommendations(
    database: Database, inbox: Inbox, clock: FakeClock
) -> AsyncIterator[RecommendationsServiceStub]:
    """The service behind its real interceptors; nothing learns but the test."""
    servicer = RecommendationsServicer(database, inbox, lambda: microseconds(clock.now()))
    service = recommendations_pb2.DESCRIPTOR.services_by_name["RecommendationsService"]
    hosted = Hosted([(service, servicer, add_RecommendationsServiceServicer_to_server)])
    async with serve(hosted, adaptive_limit="off") as channel:
        yield RecommendationsServiceStub(channel)
