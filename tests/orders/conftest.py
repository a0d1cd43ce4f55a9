from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hosting.databases import Databases
from tests.orders.shop import Shop, shop_without_orders


@pytest.fixture
async def closed_shop(tmp_path: Path, databases: Databases) -> AsyncIterator[Shop]:
    async with shop_without_orders(tmp_path, databases) as shop:
        yield shop


@pytest.fixture
async def shop(closed_shop: Shop) -> AsyncIterator[Shop]:
    async with closed_shop.replica():
        yield closed_shop
