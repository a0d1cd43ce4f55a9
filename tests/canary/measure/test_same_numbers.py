"""The sidecars themselves and a real Prometheus server that scrapes them give the same numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from mesh.canary.judge.counts import Counts
from mesh.canary.measure.difference import Delta, difference
from mesh.canary.measure.envoy_stats import Subject
from mesh.canary.measure.prometheus import prometheus
from mesh.canary.measure.scraping import Sidecars
from mesh.canary.measure.source import Reading, Source
from mesh.pod_pages import Direct
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.measure.addresses import ADDRESSES
from tests.canary.measure.envoy import Envoy
from tests.canary.measure.pods import pod
from tests.canary.measure.prometheus_server import program, scraping

pytestmark = [pytest.mark.processes, pytest.mark.timeout(1500)]  # Prometheus is built, once

BOTH = ("v1", "v2")
PODS = dict(zip(("gateway-1", "orders-1"), ADDRESSES, strict=False))


@pytest.fixture(scope="module")
def server() -> Path:
    return program()


class Both(NamedTuple):
    """Two sources of the same two sidecars."""

    sidecars: Source
    prometheus: Source

    async def read(self, envoys: Sequence[Envoy]) -> tuple[Reading, Reading]:
        """What both say of now: Prometheus, after it has scraped every sidecar once more, to the end."""
        before = [len(envoy.asked) for envoy in envoys]
        # The scrape that was under way may have begun before now; when the next but one begins, the next is kept.
        while any(len(envoy.asked) < count + 3 for envoy, count in zip(envoys, before, strict=True)):
            await asyncio.sleep(0.02)
        return await self.sidecars.read(), await self.prometheus.read()


@asynccontextmanager
async def measured(envoys: Sequence[Envoy], server: Path, folder: Path) -> AsyncIterator[Both]:
    """The sidecars, and a Prometheus server that has already scraped each of them."""
    api = KubernetesApi()
    for name, address in PODS.items():
        api.put("pods", pod(name, address))
    async with AsyncExitStack() as running:
        for envoy, address in zip(envoys, PODS.values(), strict=True):
            await running.enter_async_context(envoy.listening(address))
        url = await running.enter_async_context(scraping(server, PODS, folder))
        client = await running.enter_async_context(api.client())
        http = await running.enter_async_context(aiohttp.ClientSession())
        sidecars = Sidecars(client, Direct(http), Subject("catalog", "shop", BOTH), asyncio.get_running_loop().time)
        while any(len(envoy.asked) < 3 for envoy in envoys):  # two that are kept make an interval
            await asyncio.sleep(0.02)
        yield Both(sidecars, await running.enter_async_context(prometheus(url, "catalog", BOTH)))


def seen(earlier: Reading, later: Reading) -> dict[str, Counts]:
    found = difference(earlier, later, BOTH)
    assert isinstance(found, Delta), found
    return dict(found.versions)


async def test_both_sources_give_the_same_numbers(server: Path, tmp_path: Path) -> None:
    gateway, orders = envoys = [Envoy(), Envoy(bounds=(0.5, 1, 2, 4, 7.5, 25, 100))]
    for envoy in envoys:
        envoy.answered("v1", ok=700, ms=3.0)
        envoy.answered("v2", ok=40)
    async with measured(envoys, server, tmp_path) as both:
        first = await both.read(envoys)
        gateway.answered("v1", ok=95, unavailable=5, ms=6.0)
        gateway.answered("v2", ok=10, ms=80.0)
        orders.answered("v2", ok=3, unavailable=2)
        orders.count("v2", "upstream_rq_retry_success", 1)
        orders.count("v2", "upstream_rq_tx_reset", 4)
        orders.count("v2", "upstream_rq_per_try_timeout", 1)
        second = await both.read(envoys)
    direct, scraped = (seen(earlier, later) for earlier, later in zip(first, second, strict=True))
    assert direct == scraped
    assert (direct["v1"].requests, direct["v1"].errors) == (100, 5)
    assert (direct["v2"].requests, direct["v2"].errors) == (18, 6)
    assert direct["v2"].statuses == {"OK": 13, "UNAVAILABLE": 2, "GIVEN_UP": 3}
    assert direct["v2"].latency.above(50.0) == 10


async def test_both_sources_count_a_sidecar_that_began_anew_from_zero(server: Path, tmp_path: Path) -> None:
    _, orders = envoys = [Envoy(), Envoy()]
    for envoy in envoys:
        envoy.answered("v1", ok=700)
        envoy.answered("v2", ok=40)
    async with measured(envoys, server, tmp_path) as both:
        first = await both.read(envoys)
        orders.counters.clear()
        orders.latency.clear()
        orders.answered("v1", ok=6)  # and v2 not yet: its series has ended
        second = await both.read(envoys)
    direct, scraped = (seen(earlier, later) for earlier, later in zip(first, second, strict=True))
    assert direct == scraped
    assert (direct["v1"].requests, direct["v2"].requests) == (6, 0)
