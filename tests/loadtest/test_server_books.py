"""The books of all servers, read from pods that answer and from one that does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from loadtest.reconciling import Books
from loadtest.server_books import Bookkeeper
from loadtest.server_calls import HANDLED, METRICS_PORT, total
from mesh.pod_pages import Direct
from tests.canary.kubernetes_api import KubernetesApi
from tests.http_server import serving

GET = "/shop.catalog.v1.CatalogService/GetProduct"
FIRST, SECOND, SILENT = "127.77.8.1", "127.77.8.2", "127.77.8.3"


def put_pod(api: KubernetesApi, name: str, address: str, *, port: int = METRICS_PORT) -> None:
    container = {"name": "catalog", "ports": [{"containerPort": port}]}
    api.put(
        "pods",
        {
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": "catalog"}},
            "spec": {"containers": [container]},
            "status": {"phase": "Running", "podIP": address},
        },
    )


@asynccontextmanager
async def counting(address: str, count: list[int]) -> AsyncIterator[None]:
    """A pod's page of metrics; each time it is asked it has counted the next of these."""

    async def metrics(_request: web.Request) -> web.Response:
        counted = count.pop(0) if len(count) > 1 else count[0]
        return web.Response(text=f'process_start_time_seconds 5.0\n{HANDLED}{{method="{GET}",code="OK"}} {counted}\n')

    async with serving(web.get("/metrics", metrics), host=address, port=METRICS_PORT):
        yield


@dataclass
class Shop:
    api: KubernetesApi
    books: Bookkeeper


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        api = KubernetesApi()
        put_pod(api, "catalog-a", FIRST)
        put_pod(api, "catalog-b", SECOND)
        put_pod(api, "gateway", FIRST, port=8080)
        await stack.enter_async_context(counting(FIRST, [1, 5]))
        await stack.enter_async_context(counting(SECOND, [10]))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        client = await stack.enter_async_context(api.client())
        yield Shop(api, Bookkeeper(client, Direct(http)))


def answered(books: Books) -> float:
    return total(books.counts, metric=HANDLED, method=GET, code="OK")


async def test_every_pod_that_counts_is_read(shop: Shop) -> None:
    read = await shop.books.read()
    assert answered(read) == 11
    assert read.processes == {("catalog-a", 5.0), ("catalog-b", 5.0)}
    assert read.unreached == frozenset()


async def test_a_count_that_comes_a_moment_later_is_waited_for(shop: Shop) -> None:
    read = await shop.books.read_until(lambda books: answered(books) >= 15)
    assert answered(read) == 15


async def test_a_pod_that_does_not_answer_is_named(shop: Shop) -> None:
    put_pod(shop.api, "catalog-c", SILENT)
    read = await shop.books.read()
    assert answered(read) == 11
    [silent] = read.unreached
    assert silent.startswith("catalog-c: it does not answer")
