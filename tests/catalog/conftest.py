from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.catalog.shopkeeper import Shopkeeper, catalog
from tests.hosting.databases import Databases
from tests.hosting.running import FakeClock


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("catalog")


@pytest.fixture
async def shop(url: str, clock: FakeClock) -> AsyncIterator[Shopkeeper]:
    async with catalog(url, clock) as channel:
        yield Shopkeeper(channel)
