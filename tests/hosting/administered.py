"""How do tests stand where an operator stands? Before a service that calls two others, with an identity to show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from argosy.resilience.v1 import resilience_admin_pb2 as pb
from argosy.resilience.v1.resilience_admin_pb2_grpc import ResilienceAdminServiceStub
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub, add_CatalogServiceServicer_to_server

from mesh.resilience import BreakerPolicy, MethodPolicy, PeerPolicy
from services.hosting import Host, Hosted
from services.hosting.errors import DependencyUnavailable
from services.hosting.lifecycle import serving
from tests.hosting.four import FOUR, Servicer, add_four, call
from tests.hosting.running import settings

GET = "/shop.catalog.v1.CatalogService/GetProduct"
CATALOG = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"]
POLICY = PeerPolicy(
    methods={GET: MethodPolicy(timeout=20, group="read")},
    breakers={"read": BreakerPolicy(min_calls=3, open_for=60, open_limit=60)},
    bulkhead=8,
)

Metadata = Sequence[tuple[str, str]]


def shown_by(account: str, *, claimed: str = "") -> Metadata:
    """What a sidecar writes into the call of a pod with this ServiceAccount that claims to be another."""
    me = "By=spiffe://cluster.local/ns/default/sa/front;Hash=ab"
    elements = [f"{me};URI=spiffe://cluster.local/ns/default/sa/{name}" for name in (claimed, account) if name]
    return [("x-forwarded-client-cert", ",".join(elements))]


OPERATOR = shown_by("operator")


class Catalog:
    """Answers, unless it is told to fail, or to wait."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def GetProduct(self, request: Any, context: Any) -> catalog_pb2.GetProductResponse:
        del request, context
        self.calls += 1
        await self.answers.wait()
        if self.fails:
            raise DependencyUnavailable("database")
        return catalog_pb2.GetProductResponse(product=catalog_pb2.Product(id="mug"))

    def __getattr__(self, name: str) -> Any:  # the methods nobody calls here
        return self.GetProduct


@dataclass(frozen=True)
class Front:
    """A service that asks `catalog` for every answer, and calls another one that nobody needs."""

    host: Host
    catalog: Catalog
    address: str
    channel: grpc.aio.Channel
    admin: ResilienceAdminServiceStub

    async def ask(self) -> None:
        """A customer's call."""
        await call(self.channel, "UnaryUnary")

    async def state(self) -> pb.State:
        return (await self.admin.GetState(pb.GetStateRequest(), metadata=OPERATOR, timeout=20)).state

    async def breaker(self) -> pb.Breaker:
        """The breaker that customers depend on."""
        return next(one for one in (await self.state()).callees[0].breakers if one.group == "read")

    async def set_breaker(
        self, action: pb.BreakerAction.ValueType, *, group: str = "read", reason: str = ""
    ) -> pb.State:
        request = pb.SetBreakerRequest(callee="catalog", group=group, action=action, reason=reason)
        return (await self.admin.SetBreaker(request, metadata=OPERATOR, timeout=20)).state


@asynccontextmanager
async def front(**given: Any) -> AsyncIterator[Front]:
    """The front and its callees; `given` are settings of the front."""
    catalog = Catalog()
    named: dict[str, Any] = {"service_name": "front", "pod_name": "front-1"}
    host = Host(settings(**named | given))
    hosted = Hosted([(CATALOG, catalog, add_CatalogServiceServicer_to_server)])
    async with (
        serving(Host(settings()), hosted) as behind,
        host.peer("catalog", behind, POLICY) as peer,
        host.peer("attic", "127.0.0.1:1", PeerPolicy()),
    ):
        stub = peer.stub(CatalogServiceStub)

        async def ask(request: catalog_pb2.GetProductRequest, _: Any) -> catalog_pb2.GetProductResponse:
            return await stub.GetProduct(request)

        async with (
            serving(host, Hosted([(FOUR, Servicer(ask), add_four)])) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            yield Front(host, catalog, address, channel, ResilienceAdminServiceStub(channel))
