from collections.abc import AsyncIterator

import pytest

from tests.loadtest.scripted_shop import ScriptedShop, open_shop


@pytest.fixture
async def shop() -> AsyncIterator[ScriptedShop]:
    async with open_shop() as opened:
        yield opened
