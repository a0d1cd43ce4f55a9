"""The whole shop in this process: its services, sidecars before them, and the page on a socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from grpc.aio import Channel
from shop.users.v1 import users_pb2
from shop.users.v1.users_pb2_grpc import add_UsersServiceServicer_to_server

from services.cart import __main__ as cart
from services.catalog import __main__ as catalog
from services.hosting import Host, Hosted
from services.hosting.lifecycle import serving
from services.inventory import __main__ as inventory
from services.orders import __main__ as orders
from services.payments import __main__ as payments
from services.recommendations import __main__ as recommendations
from services.storefront import __main__ as storefront
from services.users import __main__ as users
from services.users.key_schedule import Schedule
from services.users.keyring import Keyring
from services.users.passwords import open_passwords
from services.users.servicer import UsersServicer
from tests.hosting.databases import Files
from tests.hosting.running import serve
from tests.storefront.sidecars import Sidecars, standing_before


def _product(product_id: str, name: str, units: int, stock: int, shown: str) -> dict[str, Any]:
    price = {"currency_code": "EUR", "units": units, "nanos": 500_000_000}
    return {
        "id": product_id,
        "name": name,
        "description": f"{name}, as it should be.",
        "price": price,
        "stock": stock,
        "category": shown.partition(" ")[0],
        "picture": shown.partition(" ")[2],
    }


PRODUCTS = [
    _product("mug", "Enamel mug", 12, 1000, "galley mug/teal"),
    _product("rope", "Manila rope", 32, 1000, "rigging rope/brass"),
    _product("compass", "Brass compass", 89, 1000, "navigation compass/navy"),
    _product("amphora", "Amphora", 990, 1, "curiosities bottle/rust"),
    _product("sail", "Canvas sail", 120, 1000, "rigging ship/sand"),
    _product("lantern", "Deck lantern", 54, 5, "lights lantern/brass"),
]


@dataclass
class Harbour:
    """What a test needs of the shop."""

    sidecars: Sidecars  # between the page and the services
    inside: Sidecars  # between the services
    databases: Files
    socket: Path
    services: dict[str, Channel]  # past the sidecars
    address: str  # of the sidecars, for another page

    @asynccontextmanager
    async def visitor(self, **given: Any) -> AsyncIterator[httpx2.AsyncClient]:
        """A browser with cookies of its own, which goes where it is sent."""
        transport = httpx2.AsyncHTTPTransport(uds=str(self.socket))
        told: dict[str, Any] = {"base_url": "http://shop.test", "follow_redirects": True, "timeout": 30.0} | given
        async with httpx2.AsyncClient(transport=transport, **told) as client:
            yield client


def quick(name: str, **given: Any) -> dict[str, Any]:
    """Settings of a service that begins and ends at once."""
    return {
        "pod_name": f"{name}-pod",
        "listen_address": "127.0.0.1:0",
        "metrics_address": "127.0.0.1:0",
        "drain_delay_seconds": 0.0,
        "drain_seconds": 0.0,
        "adaptive_limit": "off",  # crowds of calls are not refused here
    } | given


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Harbour]:
    """The shop, on SQLite files in `folder`, with the products above."""
    databases, seed = Files(folder), folder / "products.json"
    seed.write_text(json.dumps(PRODUCTS))
    reached: dict[str, Channel] = {}
    async with AsyncExitStack() as stack:

        async def start(name: str, module: Any, kind: Any, **given: Any) -> str:
            settings = kind(**quick(name, database_url=databases.url(name), **given))
            host = Host(settings)
            hosted = await stack.enter_async_context(module.build(settings, host))
            reached[name] = await stack.enter_async_context(serve(hosted, host))
            return name

        await start("catalog", catalog, catalog.CatalogSettings, seed_file=seed)
        await start("inventory", inventory, inventory.InventorySettings, seed_file=seed)
        await start("payments", payments, payments.PaymentsSettings)
        await start("cart", cart, cart.CartSettings)
        reached["users"] = await stack.enter_async_context(_users(databases.url("users")))
        inside, address = await stack.enter_async_context(standing_before(reached))
        told = {f"{name}_service_addr": address for name in ("catalog", "inventory", "payments")}
        await start("orders", orders, orders.OrdersSettings, recovery_interval_seconds=0.05, **told)
        told = {f"{name}_service_addr": address for name in ("catalog", "orders")}
        await start("recommendations", recommendations, recommendations.RecommendationsSettings, **told)
        sidecars, address = await stack.enter_async_context(standing_before(reached))
        socket = folder / "page"
        await stack.enter_async_context(page(socket, address))
        yield Harbour(sidecars, inside, databases, socket, reached, address)


@asynccontextmanager
async def _users(url: str) -> AsyncIterator[Channel]:
    """Users with real hashes, but quick ones."""
    host = Host(users.UsersSettings(**quick("users", database_url=url)))
    async with host.database(users.MIGRATIONS) as database, open_passwords(memory_kib=64, passes=1) as passwords:
        keyring = Keyring(database, host.now, Schedule(), host.logger)
        await keyring.turn()
        servicer = UsersServicer(database, passwords, keyring, host.clock, host.logger)
        contract = users_pb2.DESCRIPTOR.services_by_name["UsersService"]
        hosted = Hosted(servicers=[(contract, servicer, add_UsersServiceServicer_to_server)])
        async with serve(hosted, host) as channel:
            yield channel


@asynccontextmanager
async def page(socket: Path, address: str, **given: Any) -> AsyncIterator[Host]:
    """The storefront on a socket, with every service behind it at one address."""
    names = ("cart", "catalog", "inventory", "orders", "recommendations", "users")
    told: dict[str, Any] = {f"{name}_service_addr": address for name in names} | given
    settings = storefront.StorefrontSettings(**quick("storefront", http_address=f"unix:{socket}", **told))
    host = Host(settings)
    async with storefront.build(settings, host) as hosted, serving(host, hosted):
        yield host
