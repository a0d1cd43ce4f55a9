"""A service that keeps its callers waiting until told: how many did it let in?

async with crowded(policy) as crowd:
    await crowd.enter(BROWSE, 5)
    error = await crowd.refused(BROWSE)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import (
    CatalogServiceServicer,
    CatalogServiceStub,
    add_CatalogServiceServicer_to_server,
)

from mesh.resilience.server_policy import LimitPolicy, Priority, ServerMethodPolicy, ServerPolicy
from services.hosting import Host, Hosted
from tests.hosting.running import serve, settings

SERVICE = pb.DESCRIPTOR.services_by_name["CatalogService"]
BROWSE, LOOK, BUY = "ListProducts", "SearchProducts", "GetProduct"  # as if: the catalog sells nothing
REQUESTS: dict[str, Any] = {
    BROWSE: pb.ListProductsRequest(),
    LOOK: pb.SearchProductsRequest(query="mug"),
    BUY: pb.GetProductRequest(product_id="mug"),
}
TEN = ServerPolicy(
    methods={
        f"/{SERVICE.full_name}/{BROWSE}": ServerMethodPolicy(priority=Priority.LOW),
        f"/{SERVICE.full_name}/{BUY}": ServerMethodPolicy(priority=Priority.HIGH),
    },
    limit=LimitPolicy(initial=10, least=10, low_share=0.5, normal_share=0.8),
)
"""Ten places: five for browsing, eight for looking and browsing."""


class Slow(CatalogServiceServicer):
    """Answers when released."""

    def __init__(self) -> None:
        self.entered, self.left = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.released = asyncio.Event()

    async def _wait(self) -> None:
        self.entered.release()
        try:
            await self.released.wait()
        finally:
            self.left.release()

    async def ListProducts(self, *_: Any) -> pb.ListProductsResponse:
        await self._wait()
        return pb.ListProductsResponse()

    async def SearchProducts(self, *_: Any) -> pb.SearchProductsResponse:
        await self._wait()
        return pb.SearchProductsResponse()

    async def GetProduct(self, *_: Any) -> pb.GetProductResponse:
        await self._wait()
        return pb.GetProductResponse()


class Crowd:
    """The callers of a slow service."""

    def __init__(self, host: Host, slow: Slow, channel: grpc.aio.Channel) -> None:
        self.host, self.slow, self.channel = host, slow, channel
        self._stub = CatalogServiceStub(channel)

    def call(self, method: str) -> asyncio.Task[Any]:
        """A caller comes."""

        async def answer() -> Any:
            return await getattr(self._stub, method)(REQUESTS[method], timeout=30)

        return asyncio.create_task(answer())

    async def enter(self, method: str, number: int) -> list[asyncio.Task[Any]]:
        """That many come, and are let in."""
        tasks = [self.call(method) for _ in range(number)]
        for _ in tasks:
            await asyncio.wait_for(self.slow.entered.acquire(), 30)
        return tasks

    async def refused(self, method: str) -> AioRpcError:
        """One comes, and is not."""
        with pytest.raises(AioRpcError) as caught:
            await self.call(method)
        return caught.value

    def metric(self, name: str, **labels: str) -> float | None:
        """A number that Prometheus would read."""
        return self.host.registry.get_sample_value(name, labels)


@asynccontextmanager
async def crowded(policy: ServerPolicy = TEN, **given: Any) -> AsyncIterator[Crowd]:
    """Callers of a service with this policy; `given` are settings."""
    slow, host = Slow(), Host(settings(**given))  # type: ignore[abstract]  # three methods are enough
    hosted = Hosted([(SERVICE, slow, add_CatalogServiceServicer_to_server)], policy=policy)
    async with serve(hosted, host) as channel:
        try:
            yield Crowd(host, slow, channel)
        finally:
            slow.released.set()
