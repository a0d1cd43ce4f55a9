"""Run the storefront: `python -m services.storefront`, settings from the environment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic.dataclasses import dataclass
from shop.cart.v1.cart_pb2_grpc import CartServiceStub
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.recommendations.v1.recommendations_pb2_grpc import RecommendationsServiceStub
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting import Host, Hosted, HostSettings, run
from services.hosting.http_server import Http
from services.hosting.settings import HostAndPort, Listenable
from services.storefront import policy
from services.storefront.application import application, endless
from services.storefront.shop import Shop
from services.storefront.views import Views


@dataclass(frozen=True, kw_only=True)
class StorefrontSettings(HostSettings):
    """What the storefront is told beyond what every service is told. It keeps no data of its own."""

    service_name: str = "storefront"
    http_address: Listenable = "0.0.0.0:8000"
    cart_service_addr: HostAndPort
    catalog_service_addr: HostAndPort
    inventory_service_addr: HostAndPort
    orders_service_addr: HostAndPort
    recommendations_service_addr: HostAndPort
    users_service_addr: HostAndPort


@asynccontextmanager
async def _shop(settings: StorefrontSettings, host: Host) -> AsyncIterator[Shop]:
    peers = policy.PEERS
    async with (
        host.peer("cart", settings.cart_service_addr, peers["cart"]) as cart,
        host.peer("catalog", settings.catalog_service_addr, peers["catalog"]) as catalog,
        host.peer("inventory", settings.inventory_service_addr, peers["inventory"]) as inventory,
        host.peer("orders", settings.orders_service_addr, peers["orders"]) as orders,
        host.peer("recommendations", settings.recommendations_service_addr, peers["recommendations"]) as best_effort,
        host.peer("users", settings.users_service_addr, peers["users"]) as users,
    ):
        yield Shop(
            cart.stub(CartServiceStub),
            catalog.stub(CatalogServiceStub),
            inventory.stub(InventoryServiceStub),
            orders.stub(OrdersServiceStub),
            best_effort.stub(RecommendationsServiceStub),
            users.stub(UsersServiceStub),
            insists=settings.resilience == "off",
        )


@asynccontextmanager
async def build(settings: StorefrontSettings, host: Host) -> AsyncIterator[Hosted]:
    """Wire the storefront."""
    async with _shop(settings, host) as shop:
        views, leaving = Views(shop), asyncio.Event()
        app = application(
            shop,
            views,
            now=host.clock.now,
            monotonic=host.clock.monotonic,
            leaving=leaving,
            facts={"service": "storefront", "version": settings.service_version, "pod": settings.pod_name},
        )
        yield Hosted(
            servicers=[], policy=policy.SERVER, http=Http(app, settings.http_address, endless, leaving=leaving)
        )
        await views.end()


if __name__ == "__main__":
    run(StorefrontSettings, build)
