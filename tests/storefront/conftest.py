"""One shop for all tests of the storefront in a process: each comes as a visitor of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from tests.storefront.browser import Browser
from tests.storefront.harbour import Harbour, opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/storefront/" in item.nodeid and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def harbour(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harbour]:
    async with opened(tmp_path_factory.mktemp("harbour")) as harbour:
        yield harbour


@pytest_asyncio.fixture(loop_scope="session")
async def browser(harbour: Harbour) -> AsyncIterator[Browser]:
    async with harbour.visitor() as client:
        yield Browser(client)


@pytest_asyncio.fixture(loop_scope="session")
async def another(harbour: Harbour) -> AsyncIterator[Browser]:
    async with harbour.visitor() as client:
        yield Browser(client)
