"""What do the client benches call? A catalog in a process of its own, which answers, counts and says how busy it was.

A server in the client's process would take the client's CPU and its event loop.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import grpc
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse, Product
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceServicer, add_CatalogServiceServicer_to_server
from shop.money.v1.money_pb2 import Money

GET_PRODUCT = "/shop.catalog.v1.CatalogService/GetProduct"
HANG = "hang"
MUG = Product(
    id="enamel-mug",
    name="Enamel mug",
    description="White enamel with a blue rim; holds 350 ml of anything hot.",
    price=Money(currency_code="EUR", units=12, nanos=500_000_000),
)


def asking(product_id: str = MUG.id) -> GetProductRequest:
    """A request; the name of a gRPC status is answered with that status, HANG with nothing at all."""
    return GetProductRequest(product_id=product_id)


class Usage(NamedTuple):
    """What a server has done since it started."""

    calls: int
    cpu: float  # seconds, of the whole process


class Catalog(CatalogServiceServicer):
    """Answers GetProduct at once, and as asked."""

    def __init__(self) -> None:
        self.calls = 0

    async def GetProduct(self, request: GetProductRequest, context: Any) -> GetProductResponse:
        self.calls += 1
        if request.product_id == HANG:
            await asyncio.Event().wait()
        if (code := grpc.StatusCode.__members__.get(request.product_id)) is not None:
            await context.abort(code, "as asked")
        return GetProductResponse(product=MUG)


Serve = Callable[[Catalog], AbstractAsyncContextManager[str]]


@asynccontextmanager
async def plain(catalog: Catalog) -> AsyncIterator[str]:
    """A server with nothing around its methods; yields its address."""
    server = grpc.aio.server()
    add_CatalogServiceServicer_to_server(catalog, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


class Target:
    """A catalog in another process, at `address`."""

    def __init__(self, address: str, pipe: Connection) -> None:
        self.address, self._pipe = address, pipe

    async def usage(self) -> Usage:
        """Calls and CPU so far."""
        self._pipe.send(None)
        return Usage(*await asyncio.to_thread(self._pipe.recv))


@asynccontextmanager
async def another_process(serve: Serve = plain) -> AsyncIterator[Target]:
    """A catalog that `serve` (a function of a module, or a partial of one) serves while the block runs."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_run, args=(serve, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Target(await asyncio.to_thread(ours.recv), ours)
    finally:
        ours.close()  # the server's sign to leave
        await asyncio.to_thread(process.join)


def _run(serve: Serve, parent: Connection) -> None:
    asyncio.run(_serve_until_parent_leaves(serve, parent))


async def _serve_until_parent_leaves(serve: Serve, parent: Connection) -> None:
    catalog = Catalog()  # type: ignore[abstract]  # one method is enough
    async with serve(catalog) as address:
        parent.send(address)
        try:
            while True:
                await asyncio.to_thread(parent.recv)
                parent.send(Usage(catalog.calls, time.process_time()))
        except EOFError:
            return
