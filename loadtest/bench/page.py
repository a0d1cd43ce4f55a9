"""How long does the shop's first page take, with every service up?

One visitor fetches it again and again on one connection, through the gateway: that is the storefront's time, with what
it asks of catalog, cart and recommendations, and two proxies' more. A page that did without one of these would be
quicker and prove nothing, so there must be none. The number is the median of several rounds.
"""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from statistics import median, quantiles

import aiohttp

from loadtest.bench.local_cluster import running_cluster
from loadtest.bench.row import BenchUnavailable, Row
from mesh.gateway import known

WARMING, ROUNDS, PAGES = 50, 5, 100  # pages at first, and in each round
TARGET = 60.0  # milliseconds


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The slowest of twenty pages against its target. Raises BenchUnavailable."""
    cookies = aiohttp.CookieJar(unsafe=True)  # a visitor comes back, also to an address that is a number
    async with running_cluster(say), aiohttp.ClientSession(cookie_jar=cookies, trust_env=False) as visitor:
        say("fetching the first page")
        address = f"http://{known()}/"
        await fetched(visitor, address, WARMING)
        return rows([await fetched(visitor, address, PAGES) for _ in range(ROUNDS)])


def rows(rounds: Sequence[Sequence[float]]) -> list[Row]:
    """What the rounds say, in milliseconds."""
    slow = median(quantiles(each, n=20)[18] for each in rounds)
    return [
        Row.at_most("page: p95 of the first page, through the gateway", round(slow, 1), TARGET, "ms"),
        Row.context("page: p50 of it", round(median(map(median, rounds)), 1), "ms"),
    ]


async def fetched(visitor: aiohttp.ClientSession, address: str, pages: int) -> list[float]:
    """The milliseconds of so many pages, one after the other. Raises BenchUnavailable when one is not whole."""
    found = []
    for _ in range(pages):
        began = time.perf_counter()
        async with visitor.get(address) as page:
            await page.read()
            found.append(1000 * (time.perf_counter() - began))
            if page.status != HTTPStatus.OK or "argosy-degraded" in page.headers:
                without = page.headers.get("argosy-degraded", "nothing")
                raise BenchUnavailable(f"the first page is answered with {page.status}, and does without {without}")
    return found
