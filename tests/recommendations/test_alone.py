"""Recommendations starts and answers whatever orders and catalog do, and learns when they are back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from shop.recommendations.v1 import recommendations_pb2 as pb
from shop.recommendations.v1.recommendations_pb2_grpc import RecommendationsServiceStub

from services.hosting import Host
from services.hosting.clock import SystemClock, microseconds
from services.hosting.database import Database
from services.recommendations.__main__ import RecommendationsSettings, build
from tests.hosting.running import serve
from tests.recommendations.learning import about, buy, learnt, meet, reasons, weights
from tests.recommendations.order_list import OrderList, listening

NOBODY = "127.0.0.1:9"


@asynccontextmanager
async def shop(url: str, orders: str, catalog: str) -> AsyncIterator[RecommendationsServiceStub]:
    settings = RecommendationsSettings(
        listen_address="127.0.0.1:0",
        drain_delay_seconds=0.0,
        drain_seconds=0.0,
        database_url=url,
        orders_service_addr=orders,
        catalog_service_addr=catalog,
        feed_interval_seconds=0.05,
        catalog_interval_seconds=0.05,
    )
    host = Host(settings)
    async with build(settings, host) as hosted, serve(hosted, host) as channel:
        yield RecommendationsServiceStub(channel)


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_it_answers_from_what_it_knows_when_nobody_is_there(database: Database, url: str) -> None:
    await meet(database, mug="galley", rope="deck")
    await buy(database, "mug rope")
    async with shop(url, NOBODY, NOBODY) as stub:
        assert reasons(await stub.ListRecommendations(about("mug"))) == {"rope": "BOUGHT_TOGETHER"}
        await stub.RecordView(pb.RecordViewRequest(customer_id="jason", product_id="rope"))
    assert (await database.read(learnt))[0]["rope"][1] > 0


async def test_nobody_waits_for_those_it_learns_from(database: Database, url: str, black_hole: str) -> None:
    await meet(database, mug="galley", rope="deck")
    async with shop(url, black_hole, black_hole) as stub:
        for _ in range(20):
            assert reasons(await stub.ListRecommendations(about("mug"))) == {"rope": "OTHER"}


class Catalog(CatalogServiceServicer):
    """Lists 250 products, a few a page."""

    def __init__(self) -> None:
        self.products = [catalog_pb2.Product(id=f"p{number:03}", category="deck") for number in range(250)]

    async def ListProducts(self, request: catalog_pb2.ListProductsRequest, _: Any) -> catalog_pb2.ListProductsResponse:
        begin = int(request.page_token or 0)
        end = begin + request.page_size
        more = str(end) if end < len(self.products) else ""
        return catalog_pb2.ListProductsResponse(products=self.products[begin:end], next_page_token=more)


async def test_it_learns_once_they_are_back(database: Database, url: str) -> None:
    orders, now = OrderList(), microseconds(SystemClock().now())
    orders.place("mug rope", now)
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    add_CatalogServiceServicer_to_server(Catalog(), server)  # type: ignore[abstract]  # the rest is not called
    async with listening(orders) as address, shop(url, address, f"127.0.0.1:{port}") as stub:
        async with asyncio.timeout(30):
            while await database.read(learnt) != weights(orders.confirmed()):
                await asyncio.sleep(0.05)  # polling, bounded by the timeout above
        assert reasons(await stub.ListRecommendations(about("mug"))) == {"rope": "BOUGHT_TOGETHER"}
        await server.start()  # the catalog is late
        async with asyncio.timeout(30):
            while len(reasons(await stub.ListRecommendations(about("mug", count=20)))) < 20:
                await asyncio.sleep(0.05)  # the same
    await server.stop(None)
