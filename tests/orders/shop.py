"""A whole shop in this process: real catalog, inventory and payments, a relay before them, and orders."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.payments.v1 import payments_pb2
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.auditor.books import Discrepancy, discrepancies
from services.auditor.reading import Reader
from services.catalog import __main__ as catalog
from services.hosting import Host
from services.inventory import __main__ as inventory
from services.orders import __main__ as orders
from services.payments import __main__ as payments
from tests.hosting.databases import Databases, Files
from tests.hosting.running import FakeClock, serve
from tests.orders.relay import Relay, relaying

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
POOR_CARD = "4000000000009995"
EXPIRED_CARD = "4000000000000069"
SILENT_CARD = "4000000000000119"
OTHER_GOOD_CARD = "5555555555554444"

PRODUCTS: list[dict[str, Any]] = [
    {"id": "mug", "name": "Mug", "price": {"currency_code": "EUR", "units": 12, "nanos": 500_000_000}, "stock": 100},
    {"id": "rope", "name": "Rope", "price": {"currency_code": "EUR", "units": 32, "nanos": 0}, "stock": 100},
    {"id": "amphora", "name": "Amphora", "price": {"currency_code": "EUR", "units": 990, "nanos": 0}, "stock": 1},
    {"id": "fan", "name": "Fan", "price": {"currency_code": "JPY", "units": 1500, "nanos": 0}, "stock": 100},
    {"id": "palace", "name": "Palace", "price": {"currency_code": "EUR", "units": 999_999, "nanos": 0}, "stock": 100},
]


@dataclass
class Shop:
    """What a test needs of the shop."""

    databases: Databases
    relay: Relay
    relay_address: str
    inventory: InventoryServiceStub
    payments: PaymentsServiceStub
    inventory_clock: FakeClock
    stubs: list[OrdersServiceStub] = field(default_factory=list)

    @property
    def orders(self) -> OrdersServiceStub:
        """The first replica of orders."""
        return self.stubs[0]

    def orders_environment(self) -> dict[str, str]:
        """What orders is told of this shop."""
        addresses = {f"{name}_service_addr": self.relay_address for name in ("catalog", "inventory", "payments")}
        return addresses | {"database_url": self.databases.url("orders")}

    @asynccontextmanager
    async def replica(self, clock: FakeClock | None = None, **given: Any) -> AsyncIterator[OrdersServiceStub]:
        """One more replica of orders, on the one database."""
        told: dict[str, Any] = {"recovery_interval_seconds": 0.05, "drain_seconds": 5.0} | self.orders_environment()
        settings = orders.OrdersSettings(**_quick(f"orders-{len(self.stubs)}") | told | given)
        host = Host(settings, clock) if clock else Host(settings)
        async with orders.build(settings, host) as hosted, serve(hosted, host) as channel:
            stub = OrdersServiceStub(channel)
            self.stubs.append(stub)
            self.relay.backends["shop.orders.v1"] = channel
            try:
                yield stub
            finally:
                self.stubs.remove(stub)

    async def discrepancies(self) -> list[Discrepancy]:
        """What an auditor finds now."""
        return discrepancies(await Reader(self.orders, self.payments, self.inventory).read())

    async def payments_of(self, order_id: str) -> list[payments_pb2.Payment]:
        """Every payment for this order."""
        answer = await self.payments.ListPayments(payments_pb2.ListPaymentsRequest(page_size=1000))
        return [payment for payment in answer.payments if payment.order_id == order_id]

    async def stock(self, product_id: str) -> inventory_pb2.Stock:
        """The books of one product."""
        request = inventory_pb2.GetStockRequest(product_ids=[product_id])
        return (await self.inventory.GetStock(request)).stock[0]

    async def final(self, order_id: str) -> orders_pb2.Order:
        """The order when it has become final."""
        request = orders_pb2.WatchOrderRequest(order_id=order_id)
        seen = [answer.order async for answer in self.orders.WatchOrder(request, timeout=30.0)]
        return seen[-1]

    async def only_order(self) -> orders_pb2.Order:
        """The one order there is."""
        (order,) = (await self.orders.ListOrders(orders_pb2.ListOrdersRequest())).orders
        return order


@asynccontextmanager
async def shop_without_orders(folder: Path, databases: Databases | None = None) -> AsyncIterator[Shop]:
    """Catalog, inventory and payments, with the products above; on SQLite files unless told otherwise."""
    databases = databases or Files(folder)
    seed = folder / "products.json"
    seed.write_text(json.dumps(PRODUCTS))
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        catalog_settings = catalog.CatalogSettings(
            **_quick("catalog"), database_url=databases.url("catalog"), seed_file=seed
        )
        sold = await stack.enter_async_context(catalog.build(catalog_settings, Host(catalog_settings)))
        inventory_settings = inventory.InventorySettings(
            **_quick("inventory"), database_url=databases.url("inventory"), seed_file=seed
        )
        stocked = await stack.enter_async_context(inventory.build(inventory_settings, Host(inventory_settings, clock)))
        payments_settings = payments.PaymentsSettings(**_quick("payments"), database_url=databases.url("payments"))
        paid = await stack.enter_async_context(payments.build(payments_settings, Host(payments_settings)))
        backends = {
            "shop.catalog.v1": await stack.enter_async_context(serve(sold, Host(catalog_settings))),
            "shop.inventory.v1": await stack.enter_async_context(serve(stocked, Host(inventory_settings, clock))),
            "shop.payments.v1": await stack.enter_async_context(serve(paid, Host(payments_settings))),
        }
        relay, address = await stack.enter_async_context(relaying(backends))
        yield Shop(
            databases,
            relay,
            address,
            InventoryServiceStub(backends["shop.inventory.v1"]),
            PaymentsServiceStub(backends["shop.payments.v1"]),
            clock,
        )


def card_of(number: str, expiry_month: int = 12) -> payments_pb2.Card:
    """A card that has not expired."""
    return payments_pb2.Card(number=number, expiry_month=expiry_month, expiry_year=2090, security_code="123")


def order_of(*lines: tuple[str, int], **given: Any) -> orders_pb2.PlaceOrderRequest:
    """A request for these products, of a new key, paid with a good card unless `given` another."""
    fields: dict[str, Any] = {
        "idempotency_key": str(uuid.uuid4()),
        "customer_id": "jason",
        "lines": [orders_pb2.OrderLine(product_id=product, quantity=quantity) for product, quantity in lines],
        "currency_code": "EUR",
        "card": card_of(GOOD_CARD),
    }
    return orders_pb2.PlaceOrderRequest(**fields | given)


def _quick(name: str) -> dict[str, Any]:
    return {
        "pod_name": name,
        "listen_address": "127.0.0.1:0",
        "metrics_address": "127.0.0.1:0",
        "drain_delay_seconds": 0.0,
        "drain_seconds": 0.0,
        "adaptive_limit": "off",  # crowds of calls are not refused here
    }
