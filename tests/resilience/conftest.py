from collections.abc import AsyncIterator

import pytest

from tests.resilience.opened import Opened


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    opened = Opened()
    async with opened.stack:
        yield opened
