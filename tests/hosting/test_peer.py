"""A peer is reached by its name, through the sidecar where there is one, within the deadline of the call at hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub, add_CatalogServiceServicer_to_server

from mesh.resilience import MethodPolicy, PeerPolicy, deadline
from services.hosting import Host, Hosted, lifecycle
from services.hosting.errors import DependencyUnavailable, NotFound
from services.hosting.lifecycle import serving
from tests.hosting.four import FOUR, Behaviour, Servicer, add_four, call, refused
from tests.hosting.running import reason, serve, settings

GET = "/shop.catalog.v1.CatalogService/GetProduct"
POLICY = PeerPolicy(methods={GET: MethodPolicy(timeout=20, idempotent=True, backoff=0.001)})
CATALOG = pb.DESCRIPTOR.services_by_name["CatalogService"]


class Catalog:
    """Fails `failures` times, then answers with the time it was given."""

    def __init__(self, failures: int = 0) -> None:
        self.calls = 0
        self._failures = failures

    async def GetProduct(self, request: Any, context: Any) -> pb.GetProductResponse:
        del request, context
        self.calls += 1
        if self.calls <= self._failures:
            raise DependencyUnavailable("database", retry_in=0.001)
        return pb.GetProductResponse(product=pb.Product(description=str(deadline.remaining())))

    def __getattr__(self, name: str) -> Any:  # the methods nobody calls here
        return self.GetProduct


@asynccontextmanager
async def behind(catalog: Catalog, **given: Any) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a service that asks `catalog` for every answer."""
    hosted = Hosted([(CATALOG, catalog, add_CatalogServiceServicer_to_server)])
    async with serving(Host(settings()), hosted) as address:
        front = Host(settings(**given))
        port = address.rpartition(":")[2]
        named = f"catalog.invalid:{port}" if front.settings.mesh_egress_address else address
        async with front.peer("catalog", named, POLICY) as peer:
            stub = peer.stub(CatalogServiceStub)

            async def ask(request: pb.GetProductRequest, _: Any) -> pb.GetProductResponse:
                return await stub.GetProduct(request)

            behave: Behaviour = ask
            async with serve(Hosted([(FOUR, Servicer(behave), add_four)]), front) as channel:
                yield channel


async def test_rule_26_a_peer_s_channel_is_closed_with_its_service() -> None:
    async with Host(settings()).peer("catalog", "127.0.0.1:1", POLICY) as peer:
        stub = peer.stub(CatalogServiceStub)
    with pytest.raises(grpc.aio.UsageError):
        await stub.GetProduct(pb.GetProductRequest(product_id="mug"))


def test_rule_26_a_process_runs_one_loop_and_forks_nobody() -> None:
    for path in Path(lifecycle.__file__).parents[1].rglob("*.py"):
        code = path.read_text()
        assert code.count("asyncio.run(") <= (path.name in {"lifecycle.py", "probe.py", "__main__.py"}), path
        assert not re.search(r"new_event_loop|os\.fork|multiprocessing|ProcessPoolExecutor", code), path


async def test_a_peer_is_dialled_by_its_address() -> None:
    async with behind(Catalog()) as channel:
        assert len(await call(channel, "UnaryUnary")) == 1


async def test_with_a_sidecar_its_address_is_dialled_instead() -> None:
    async with behind(Catalog(), mesh_egress_address="127.0.0.1") as channel:
        assert len(await call(channel, "UnaryUnary")) == 1


async def test_the_caller_s_deadline_reaches_the_peer() -> None:
    async with behind(Catalog()) as channel:
        [answered] = await call(channel, "UnaryUnary", timeout=10)
    assert float(answered.product.description) < 10.5


@pytest.mark.parametrize(
    ("resilience", "code", "calls"), [("on", StatusCode.OK, 2), ("off", StatusCode.UNAVAILABLE, 1)]
)
async def test_retries_are_made_unless_resilience_is_off(resilience: str, code: StatusCode, calls: int) -> None:
    catalog = Catalog(failures=1)
    async with behind(catalog, resilience=resilience) as channel:
        if code is StatusCode.OK:
            await call(channel, "UnaryUnary")
        else:
            assert (await refused(channel, "UnaryUnary")).code() == code
    assert catalog.calls == calls


async def test_a_peer_that_stays_away_is_unavailable_and_not_to_be_tried_again() -> None:
    async with behind(Catalog(failures=99)) as channel:
        error = await refused(channel, "UnaryUnary")
    assert (error.code(), reason(error)) == (StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert dict(error.trailing_metadata() or ())["grpc-retry-pushback-ms"] == "-1"


async def test_a_refusal_nobody_expected_is_our_bug() -> None:
    class Empty(Catalog):
        async def GetProduct(self, request: Any, context: Any) -> pb.GetProductResponse:
            del request, context
            raise NotFound("PRODUCT_NOT_FOUND", "there is none")

    async with behind(Empty()) as channel:
        assert (await refused(channel, "UnaryUnary")).code() == StatusCode.INTERNAL
