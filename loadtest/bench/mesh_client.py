"""What does a caller inside the mesh see? Runs as a pod: `python -m loadtest.bench.mesh_client DIRECT MESH AUTHORITY`.

It calls one server on two paths, in turn, in one process and one sitting: DIRECT is the server's own socket, MESH is
the sidecar's egress, so a call passes two Envoys and mTLS. The last line it prints is JSON: a list of blocks
{"rpc", "path", "in_flight", "round", "p50_ms", "rate", "pods"}.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from shop.catalog.v1 import catalog_pb2, catalog_pb2_grpc

ROUNDS = 9
CASES = (("Check", 1, 300), ("GetProduct", 1, 300), ("Check", 16, 1600))  # RPC, in flight, calls in each block
TIMEOUT = 5.0  # seconds, for every call
READY_WITHIN = 30.0  # seconds: the policy that lets this pod in has to reach the server's sidecar

Call = Callable[[], aio.UnaryUnaryCall[Any, Any]]


@dataclass(frozen=True)
class Block:
    """Some calls of one RPC on one path."""

    rpc: str
    path: str
    in_flight: int
    round: int
    p50_ms: float
    rate: float  # calls per second
    pod: str  # who answered


def calls_on(channel: aio.Channel, product_id: str) -> dict[str, Call]:
    """The RPCs to compare: one that does nothing, so that the path is all there is, and one that reads a database."""
    health, catalog = health_pb2_grpc.HealthStub(channel), catalog_pb2_grpc.CatalogServiceStub(channel)
    check, get = health_pb2.HealthCheckRequest(), catalog_pb2.GetProductRequest(product_id=product_id)
    return {
        "Check": lambda: health.Check(check, timeout=TIMEOUT),
        "GetProduct": lambda: catalog.GetProduct(get, timeout=TIMEOUT),
    }


async def burst(call: Call, calls: int, in_flight: int) -> tuple[float, float, str]:
    """Make so many calls: their median in ms, their rate, who answered.

    Raises AioRpcError: with a failed call they say nothing about cost.
    """
    seconds: list[float] = []
    pods: set[str] = set()
    left = iter(range(calls))

    async def one_after_another() -> None:
        for _ in left:
            begin = time.perf_counter()
            answering = call()
            await answering
            seconds.append(time.perf_counter() - begin)
            if len(seconds) % 100 == 1:
                pods.add(str(dict(await answering.trailing_metadata()).get("argosy-pod", "")))

    begin = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
    rate = len(seconds) / (time.perf_counter() - begin)
    return 1000 * median(seconds), rate, ",".join(sorted(pods))


async def ready(call: Call) -> None:
    """Return once the call is answered. Raises the last AioRpcError when that takes too long."""
    limit = time.monotonic() + READY_WITHIN
    while True:
        try:
            await call()
        except aio.AioRpcError as error:
            if error.code() not in {StatusCode.PERMISSION_DENIED, StatusCode.UNAVAILABLE} or time.monotonic() > limit:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def some_product(channel: aio.Channel) -> str:
    """The id of a product there is."""
    request = catalog_pb2.ListProductsRequest(page_size=1)
    page = await catalog_pb2_grpc.CatalogServiceStub(channel).ListProducts(request, timeout=TIMEOUT)
    return page.products[0].id


async def compare(
    direct: str, mesh: str, authority: str, *, rounds: int = ROUNDS, cases: Sequence[tuple[str, int, int]] = CASES
) -> AsyncIterator[Block]:
    """All blocks; which path goes first changes every round, so that neither has the quieter minute."""
    options = [("grpc.default_authority", authority)]
    async with aio.insecure_channel(direct) as near, aio.insecure_channel(mesh, options=options) as far:
        product_id = await some_product(near)
        paths = {"direct": calls_on(near, product_id), "mesh": calls_on(far, product_id)}
        for call in (call for rpcs in paths.values() for call in rpcs.values()):
            await ready(call)
        for number in range(rounds):
            order = list(paths) if number % 2 else list(reversed(paths))
            for rpc, in_flight, calls in cases:
                for path in order:
                    measured = await burst(paths[path][rpc], calls, in_flight)
                    yield Block(rpc, path, in_flight, number, *measured)


async def main(direct: str, mesh: str, authority: str) -> None:
    """Compare and print."""
    blocks = [asdict(each) async for each in compare(direct, mesh, authority)]
    print(json.dumps(blocks), flush=True)  # noqa: T201 - the pod's log is read


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except aio.AioRpcError as failed:
        sys.exit(f"a call failed: {failed.code().name}: {failed.details()}")
