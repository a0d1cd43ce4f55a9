"""Recommendations, as a process: `python -m services.recommendations`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field
from pydantic.dataclasses import dataclass
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.recommendations.v1 import recommendations_pb2
from shop.recommendations.v1.recommendations_pb2_grpc import add_RecommendationsServiceServicer_to_server

from services.hosting import Host, Hosted, HostSettings, Migration, run
from services.hosting.settings import HostAndPort
from services.recommendations import policy
from services.recommendations.catalog_feed import CatalogFeed
from services.recommendations.chores import Chore
from services.recommendations.order_feed import OrderFeed
from services.recommendations.servicer import RecommendationsServicer
from services.recommendations.tidying import Tidying
from services.recommendations.views import Inbox

MIGRATIONS = Path(__file__).parent / "migrations"
VIEWS_INTERVAL, TIDYING_INTERVAL = 1.0, 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class MigrationSettings(HostSettings):
    """What `migrate` is told: nothing of those whom recommendations calls."""

    service_name: str = "recommendations"


@dataclass(frozen=True, kw_only=True)
class RecommendationsSettings(MigrationSettings):
    """What recommendations is told beyond what every service is told."""

    orders_service_addr: HostAndPort
    catalog_service_addr: HostAndPort
    feed_interval_seconds: float = Field(default=15.0, ge=0.05, le=3600.0)
    catalog_interval_seconds: float = Field(default=60.0, ge=0.05, le=86_400.0)


@asynccontextmanager
async def build(settings: RecommendationsSettings, host: Host) -> AsyncIterator[Hosted]:
    """Wire the service, whether or not the others are there; when the block ends, learn from the last looks."""
    async with (
        host.database(MIGRATIONS) as database,
        host.peer("orders", settings.orders_service_addr, policy.PEERS["orders"]) as orders,
        host.peer("catalog", settings.catalog_service_addr, policy.PEERS["catalog"]) as catalog,
    ):
        inbox = Inbox(database)
        looks = Chore("views", inbox.feed, VIEWS_INTERVAL, host.logger)
        bought = OrderFeed(database, orders.stub(OrdersServiceStub), host.now)
        listed = CatalogFeed(database, catalog.stub(CatalogServiceStub))
        service = recommendations_pb2.DESCRIPTOR.services_by_name["RecommendationsService"]
        servicer = RecommendationsServicer(database, inbox, host.now)
        yield Hosted(
            servicers=[(service, servicer, add_RecommendationsServiceServicer_to_server)],
            background=[
                looks.run,
                Chore("orders", bought.feed, settings.feed_interval_seconds, host.logger).run,
                Chore("catalog", listed.feed, settings.catalog_interval_seconds, host.logger).run,
                Chore("tidying", Tidying(database, host.now).tidy, TIDYING_INTERVAL, host.logger).run,
            ],
            policy=policy.SERVER,
        )
        await looks.once()


if __name__ == "__main__":
    run(RecommendationsSettings, build, Migration(MigrationSettings, MIGRATIONS))
