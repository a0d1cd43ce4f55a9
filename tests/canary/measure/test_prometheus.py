"""What a Prometheus server says is taken as it was scraped, and not for longer than it is true."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from mesh.canary.measure.difference import Delta, difference
from mesh.canary.measure.prometheus import prometheus
from mesh.canary.measure.source import Reading
from mesh.canary.problems import CanaryError, Refused
from tests.canary.measure.envoy import cluster
from tests.http_server import serving

BOTH = ("v1", "v2")
SCRAPE = 5.0


@dataclass
class Server:
    """Prometheus' query API with series that a test writes; times are seconds before now."""

    series: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    ahead: float = 0.0
    queries: list[str] = field(default_factory=list)
    made: float = field(default_factory=time.time)

    def scraped(self, pod: str, version: str, *values: int, ago: float = 0.0, job: str = "envoy") -> None:
        """The calls of one version that were OK, at the last scrapes of one pod; the last one was so long `ago`."""
        labels = {"__name__": "envoy_cluster_grpc_0", "cluster_name": cluster(version), "job": job}
        labels |= {"instance": f"{pod}.address:15090", "pod": pod}
        last = self.made + self.ahead - ago
        times = [last - SCRAPE * place for place in reversed(range(len(values)))]
        samples = [[at, str(value)] for at, value in zip(times, values, strict=True)]
        self.series.append({"metric": labels, "values": samples})

    async def _answer(self, request: web.Request) -> web.Response:
        query = str((await request.post())["query"])
        self.queries.append(query)
        now = time.time() + self.ahead
        result: list[Any] = [now, str(now)] if query == "time()" else self.series
        content = {"status": "success", "data": {"result": result}} if self.status == 200 else {"error": "too much"}
        return web.Response(text=json.dumps(content), status=self.status)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its address while the block runs."""
        async with serving(web.post("/api/v1/query", self._answer)) as port:
            yield f"http://127.0.0.1:{port}/"


async def read(server: Server) -> Reading:
    async with server.listening() as url, prometheus(url, "catalog", BOTH) as source:
        return await source.read()


def counted(reading: Reading) -> dict[str, dict[str, int]]:
    """Calls that were OK by pod and version."""
    return {
        caller.pod: {version: of.statuses["OK"] for version, of in versions.items()}
        for caller, versions in reading.pods.items()
    }


async def test_the_last_scrape_of_every_pod_is_read() -> None:
    server = Server()
    server.scraped("orders-1", "v1", 10, 20, 30)
    server.scraped("orders-1", "v2", 0, 1, 2)
    server.scraped("gateway-1", "v1", 7, 7, 8, ago=4.0)
    reading = await read(server)
    assert counted(reading) == {"orders-1": {"v1": 30, "v2": 2}, "gateway-1": {"v1": 8}}
    assert reading.missing == ()


async def test_news_come_with_the_scrapes() -> None:
    server = Server()
    server.scraped("orders-1", "v1", 10, 20, 30)
    async with server.listening() as url, prometheus(url, "catalog", BOTH) as source:
        assert source.least_seconds == pytest.approx(2 * SCRAPE, rel=0.01)


async def test_a_pod_that_was_not_scraped_lately_is_missing() -> None:
    server = Server()
    server.scraped("orders-1", "v1", 10, 20)
    server.scraped("gateway-1", "v1", 10, 20, ago=4 * SCRAPE)
    reading = await read(server)
    assert counted(reading) == {"orders-1": {"v1": 20}}
    assert reading.missing == ("gateway-1: last scraped 20 s ago",)


async def test_a_series_of_a_sidecars_earlier_life_is_not_what_it_says_now() -> None:
    """Started again, it has not called v2 yet; what it had counted before is only in older scrapes."""
    server = Server()
    server.scraped("orders-1", "v1", 500, 3)
    server.scraped("orders-1", "v2", 90, 95, ago=SCRAPE)
    assert counted(await read(server)) == {"orders-1": {"v1": 3}}


async def test_a_pod_that_two_jobs_scrape_is_counted_once() -> None:
    server = Server()
    server.scraped("orders-1", "v1", 10, 20, job="envoy")
    server.scraped("orders-1", "v1", 10, 21, job="istio")
    assert counted(await read(server)) == {"orders-1": {"v1": 20}}


async def test_a_sidecar_that_began_anew_in_between_is_counted_from_zero() -> None:
    earlier, later = Server(), Server()
    earlier.scraped("orders-1", "v1", 500, 520)
    later.scraped("orders-1", "v1", 520, 7)
    found = difference(await read(earlier), await read(later), BOTH)
    assert isinstance(found, Delta)
    assert found.versions["v1"].requests == 7


@pytest.mark.parametrize("ahead", [-90.0, 90.0])
async def test_a_clock_that_is_wrong_makes_nothing_stale_and_is_told(ahead: float) -> None:
    server = Server(ahead=ahead)
    server.scraped("orders-1", "v1", 10, 20)
    async with server.listening() as url, prometheus(url, "catalog", BOTH) as source:
        assert source.skew == pytest.approx(ahead, abs=5)
        assert counted(await source.read()) == {"orders-1": {"v1": 20}}


async def test_a_server_that_knows_nothing_of_the_service_is_refused() -> None:
    with pytest.raises(Refused, match="no statistics of calls to catalog v1 or v2"):
        await read(Server())


async def test_a_server_that_fails_at_first_is_an_error_and_later_is_no_data() -> None:
    server = Server()
    server.scraped("orders-1", "v1", 10, 20)
    listening = AsyncExitStack()
    url = await listening.enter_async_context(server.listening())
    async with listening, prometheus(url, "catalog", BOTH) as source:
        server.status = 503
        reading = await source.read()
        assert (reading.pods, len(reading.missing)) == ({}, 1)
        assert 'answers 503: {"error": "too much"}' in reading.missing[0]
        await listening.aclose()
        assert "does not answer" in (await source.read()).missing[0]
    with pytest.raises(CanaryError, match="does not answer"):
        async with prometheus(url, "catalog", BOTH):
            pass


async def test_the_query_is_quoted_as_promql_reads_it() -> None:
    server = Server()
    server.scraped("orders-1", "v1", 10, 20)
    await read(server)
    assert server.queries[1].startswith('{__name__=~"envoy_cluster_(grpc_[0-9]+|')
    assert r'cluster_name=~"outbound\\|[0-9]+\\|(v1|v2)\\|catalog\\.shop\\.svc\\..*"}[300000ms]' in server.queries[1]
