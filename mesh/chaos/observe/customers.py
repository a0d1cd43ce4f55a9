"""Who comes to the shop during an experiment? People who order, who look at products, and who open the first page.

Each kind is an open loop, with a connection of its own through the gateway, as another browser has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

import aiohttp
from grpc import StatusCode, aio

from loadtest.open_loop import MonotonicClock, OpenLoop
from loadtest.outcome import KINDS, Outcome
from loadtest.punctuality import Clock
from loadtest.report import Report
from loadtest.shopper import open_shopper
from mesh.chaos.experiment import Load
from mesh.chaos.problems import ChaosError
from mesh.chaos.site import Site

ORDERS, BROWSING, PAGES = "orders", "browsing", "pages"
LOOK_SECONDS = 2.0  # somebody waits for a product
PAGE_SECONDS = 5.0  # and for a page
_LIKE: Mapping[int, StatusCode] = {
    HTTPStatus.OK: StatusCode.OK,
    HTTPStatus.TOO_MANY_REQUESTS: StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.BAD_GATEWAY: StatusCode.UNAVAILABLE,
    HTTPStatus.SERVICE_UNAVAILABLE: StatusCode.UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT: StatusCode.DEADLINE_EXCEEDED,
    HTTPStatus.FORBIDDEN: StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: StatusCode.NOT_FOUND,
}

Call = Callable[[int], Awaitable[Outcome]]


class Stream:
    """One kind of customers, `rate` a second, and what is known of them so far."""

    def __init__(self, call: Call, rate: float, clock: Clock | None = None) -> None:
        self._call, self._clock = call, clock or MonotonicClock()
        self._asked: dict[int, float] = {}
        self.loop = OpenLoop(self._tracked, rate=rate, clock=self._clock)

    async def _tracked(self, number: int) -> Outcome:
        self._asked[number] = self._clock.now()
        try:
            return await self._call(number)
        finally:
            del self._asked[number]

    @property
    def known_until(self) -> float:
        """All calls that were due before then have ended."""
        return min(self._asked.values(), default=self._clock.now())

    def recent(self, seconds: float) -> Report:
        """The last so many seconds of calls of which all is known."""
        return self.loop.report().between(self.known_until - seconds, self.known_until)


def well_for(streams: Iterable[Stream], since: float) -> float:
    """Seconds in which no call failed: from `since`, or the last that did, to where all is known; 0 when unknown."""
    every = list(streams)
    failed = (call.scheduled for stream in every for call in stream.loop.report().between(since).failures)
    return max(0.0, min(stream.known_until for stream in every) - max(failed, default=since))


@asynccontextmanager
async def customers(site: Site, load: Load, seed: int = 1) -> AsyncIterator[Mapping[str, Stream]]:
    """The streams of this load, not yet running, by name. Raises ChaosError when nobody gets in."""
    async with AsyncExitStack() as stack:
        try:
            found = {}
            if load.orders:
                buyer = await stack.enter_async_context(open_shopper(site.gateway, seed=seed, customer_id=site.run))
                found[ORDERS] = Stream(lambda _: buyer.place_order(timeout=load.patience), load.orders)
            if load.browsing:
                looker = await stack.enter_async_context(open_shopper(site.gateway, seed=seed + 1))
                found[BROWSING] = Stream(lambda _: looker.get_product(timeout=LOOK_SECONDS), load.browsing)
        except aio.AioRpcError as error:
            raise ChaosError(
                f"no customer gets in at {site.gateway}: {error.code().name}: {error.details()}"
            ) from error
        if load.pages:
            visitor = await stack.enter_async_context(_visitor())
            found[PAGES] = Stream(lambda _: page(visitor, f"http://{site.gateway}/"), load.pages)
        yield found


def _visitor() -> aiohttp.ClientSession:
    """Comes back with its cookies, also to an address that is a number."""
    cookies = aiohttp.CookieJar(unsafe=True)
    return aiohttp.ClientSession(cookie_jar=cookies, trust_env=False, timeout=aiohttp.ClientTimeout(total=PAGE_SECONDS))


async def page(visitor: aiohttp.ClientSession, url: str) -> Outcome:
    """Open a page; a status of HTTP counts as the one of gRPC that means the same."""
    try:
        async with visitor.get(url) as answer:
            await answer.read()
    except TimeoutError:
        return _page(StatusCode.DEADLINE_EXCEEDED, detail=f"not within {PAGE_SECONDS:g} s")
    except aiohttp.ClientError as error:
        return _page(StatusCode.UNAVAILABLE, detail=str(error) or type(error).__name__)
    code = _LIKE.get(answer.status, StatusCode.UNKNOWN)
    detail = "" if code is StatusCode.OK else f"{answer.status} {answer.reason}"
    return _page(code, detail=detail, degraded=answer.headers.get("argosy-degraded", ""))


def _page(code: StatusCode, *, detail: str = "", degraded: str = "") -> Outcome:
    return Outcome(code, KINDS[code], detail=detail, label="GET /", degraded=degraded)


async def running(streams: Mapping[str, Stream]) -> None:
    """Let everybody come until all loops have been stopped and the last call has ended."""
    async with asyncio.TaskGroup() as group:
        for stream in streams.values():
            group.create_task(stream.loop.run())
