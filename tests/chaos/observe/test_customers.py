"""The load that experiments are judged by: what is known of it while it runs, and what counts as an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import pytest
from aiohttp import web
from grpc import StatusCode

from loadtest.outcome import KINDS, Kind, Outcome
from mesh.chaos.observe.customers import Stream, page, well_for
from tests.http_server import serving
from tests.loadtest.fake_clock import FakeClock


class Scripted:
    """Answers one call a second; every call takes `takes` seconds, and those whose numbers are in `bad` fail."""

    def __init__(self, *bad: int, takes: float = 0.1) -> None:
        self.clock, self._bad, self._takes = FakeClock(), bad, takes
        self.stream = Stream(self.answer, rate=1.0, clock=self.clock)

    async def answer(self, number: int) -> Outcome:
        await self.clock.sleep(self._takes)
        code = StatusCode.UNAVAILABLE if number in self._bad else StatusCode.OK
        return Outcome(code, KINDS[code])

    async def until(self, moment: float) -> None:
        """Run the load so far, and then leave it where it is."""
        loop = asyncio.create_task(self.stream.loop.run())
        await self.clock.sleep(moment)
        self.running = loop

    async def end(self) -> None:
        self.stream.loop.stop()
        await self.running


async def test_recent_calls_end_where_one_is_not_answered_yet() -> None:
    shop = Scripted(takes=1.5)

    async def watch() -> tuple[int, float]:
        await shop.until(5.2)
        return len(shop.stream.recent(3.0).samples), shop.stream.known_until

    assert await shop.clock.run(watch()) == (3, 4.0)  # call 4 is on its way: of 1, 2 and 3 all is known
    await shop.clock.run(shop.end())


async def test_the_shop_is_well_since_the_last_failed_call_of_any_stream() -> None:
    shop = Scripted(2)

    async def watch() -> list[float]:
        await shop.until(6.5)
        return [well_for([shop.stream], since) for since in (0.0, 2.0, 3.0)]

    assert await shop.clock.run(watch()) == [4.5, 4.5, 3.5]
    await shop.clock.run(shop.end())


async def test_what_is_not_known_yet_is_not_called_well() -> None:
    shop = Scripted(takes=10.0)

    async def watch() -> float:
        await shop.until(5.5)
        return well_for([shop.stream], 3.0)

    assert await shop.clock.run(watch()) == 0.0
    await shop.clock.run(shop.end())


@asynccontextmanager
async def storefront(answer: web.Response) -> AsyncIterator[str]:
    async def answered(_: web.Request) -> web.Response:
        return answer

    async with serving(web.get("/", answered)) as port:
        yield f"http://127.0.0.1:{port}/"


async def opened(answer: web.Response) -> Outcome:
    async with storefront(answer) as url, aiohttp.ClientSession() as visitor:
        return await page(visitor, url)


async def test_a_whole_page_is_an_answer_and_one_without_a_part_says_so() -> None:
    whole = await opened(web.Response(text="hello"))
    assert (whole.kind, whole.degraded) == (Kind.OK, "")
    without = await opened(web.Response(text="hello", headers={"argosy-degraded": "recommendations"}))
    assert (without.kind, without.degraded) == (Kind.OK, "recommendations")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (HTTPStatus.SERVICE_UNAVAILABLE, StatusCode.UNAVAILABLE),
        (HTTPStatus.GATEWAY_TIMEOUT, StatusCode.DEADLINE_EXCEEDED),
        (HTTPStatus.INTERNAL_SERVER_ERROR, StatusCode.UNKNOWN),
    ],
)
async def test_a_page_of_an_error_is_a_failure(status: HTTPStatus, code: StatusCode) -> None:
    outcome = await opened(web.Response(status=status))
    assert (outcome.code, outcome.failed) == (code, True)


async def test_a_closed_door_is_a_failure_and_no_exception() -> None:
    async with storefront(web.Response()) as url:
        pass
    async with aiohttp.ClientSession() as visitor:
        assert (await page(visitor, url)).code is StatusCode.UNAVAILABLE
