"""Run the orders service: `python -m services.orders`, settings from the environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import add_OrdersServiceServicer_to_server
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.hosting import Host, Hosted, HostSettings, Migration, run
from services.hosting.settings import HostAndPort
from services.orders import policy
from services.orders.book import Book
from services.orders.cancelling import Cancelling
from services.orders.driving import Driver
from services.orders.placing import Placing
from services.orders.prices import Prices
from services.orders.recovery import Recovery
from services.orders.servicer import OrdersServicer
from services.orders.steps import Steps
from services.orders.telemetry import SagaMetrics
from services.orders.watching import Changes
from services.orders.work import Work

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class MigrationSettings(HostSettings):
    """What `migrate` is told: nothing of those whom orders calls."""

    service_name: str = "orders"


@dataclass(frozen=True, kw_only=True)
class OrdersSettings(MigrationSettings):
    """What orders is told beyond what every service is told."""

    catalog_service_addr: HostAndPort
    inventory_service_addr: HostAndPort
    payments_service_addr: HostAndPort
    # Longer than any one step (policy.yaml), or healthy orders are taken over: harmless, but wasted.
    order_lease_seconds: float = Field(default=10.0, ge=0.5, le=3600.0)
    # 0 switches recovery off: the negative control of the crash tests.
    recovery_interval_seconds: float = Field(default=1.0, ge=0.0, le=3600.0)


@asynccontextmanager
async def build(settings: OrdersSettings, host: Host) -> AsyncIterator[Hosted]:
    """Wire the service; when the block ends, let begun orders end for `drain_seconds`."""
    async with (
        host.database(MIGRATIONS) as database,
        host.peer("catalog", settings.catalog_service_addr, policy.PEERS["catalog"]) as catalog,
        host.peer("inventory", settings.inventory_service_addr, policy.PEERS["inventory"]) as inventory,
        host.peer("payments", settings.payments_service_addr, policy.PEERS["payments"]) as payments,
    ):
        changes, metrics = Changes(), SagaMetrics(host.registry)
        work = Work(2 * settings.max_concurrent_rpcs, host.logger)
        book = Book(database, changes, host.clock, owner=settings.pod_name, lease_seconds=settings.order_lease_seconds)
        steps = Steps(inventory.stub(InventoryServiceStub), payments.stub(PaymentsServiceStub), host.logger)
        driver = Driver(book, steps, work, metrics, host.logger)
        placing = Placing(book, Prices(catalog.stub(CatalogServiceStub)), driver, work)
        cancelling = Cancelling(book, driver, changes)
        recovery = Recovery(book, driver, metrics, host.logger, interval=settings.recovery_interval_seconds)
        yield Hosted(
            servicers=[
                (
                    orders_pb2.DESCRIPTOR.services_by_name["OrdersService"],
                    OrdersServicer(placing, cancelling, book, changes),
                    add_OrdersServiceServicer_to_server,
                )
            ],
            background=[recovery.run] if settings.recovery_interval_seconds else [],
            policy=policy.SERVER,
        )
        await work.drain(settings.drain_seconds)


if __name__ == "__main__":
    run(OrdersSettings, build, Migration(MigrationSettings, MIGRATIONS))
