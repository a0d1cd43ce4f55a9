"""The page's bench fetches whole pages, and refuses to measure others; a real server gives scripted answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from loadtest.bench.page import fetched, rows
from loadtest.bench.row import BenchUnavailable


@asynccontextmanager
async def answering(status: int, headers: Mapping[str, str]) -> AsyncIterator[str]:
    """The address of a page that is answered like this."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, text="the first page")

    application = web.Application()
    application.router.add_get("/", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


def test_the_slowest_of_twenty_pages_is_held_against_the_target() -> None:
    quick, slow = [5.0] * 100, [5.0] * 90 + [61.0] * 10
    assert [(row.value, row.holds) for row in rows([quick, quick, slow])] == [(5.0, True), (5.0, True)]
    assert [(row.value, row.holds) for row in rows([quick, slow, slow])] == [(61.0, False), (5.0, True)]


async def test_every_page_has_its_time() -> None:
    async with answering(200, {}) as address, aiohttp.ClientSession() as visitor:
        times = await fetched(visitor, address, 3)
    assert len(times) == 3
    assert min(times) > 0


@pytest.mark.parametrize(
    ("status", "headers", "said"), [(503, {}, "503"), (200, {"argosy-degraded": "cart"}, "without cart")]
)
async def test_a_page_that_is_not_whole_measures_nothing(status: int, headers: dict[str, str], said: str) -> None:
    async with answering(status, headers) as address, aiohttp.ClientSession() as visitor:
        with pytest.raises(BenchUnavailable, match=said):
            await fetched(visitor, address, 1)
