"""Payments, as a process: `python -m services.payments`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom

from pydantic import Field
from pydantic.dataclasses import dataclass
from shop.payments.v1 import payments_pb2
from shop.payments.v1.payments_pb2_grpc import add_PaymentsServiceServicer_to_server

from services.hosting import Host, Hosted, HostSettings, Migration, run
from services.payments import policy
from services.payments.card_gateway import CardGateway, MockCardGateway
from services.payments.charging import Charging
from services.payments.injected_faults import FaultyGateway
from services.payments.reconciliation import Reconciler
from services.payments.servicer import PaymentsServicer

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class PaymentsSettings(HostSettings):
    service_name: str = "payments"
    failure_rate: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False)
    extra_latency: float = Field(default=0.0, ge=0, le=60, allow_inf_nan=False)  # seconds

    def spoil(self, gateway: CardGateway) -> CardGateway:
        """The gateway as these settings want it: v2 fails on purpose."""
        if not (self.failure_rate or self.extra_latency):
            return gateway
        return FaultyGateway(
            gateway, failure_rate=self.failure_rate, extra_latency=self.extra_latency, draw=SystemRandom().random
        )


@asynccontextmanager
async def build(settings: PaymentsSettings, host: Host) -> AsyncIterator[Hosted]:
    async with host.database(MIGRATIONS) as database:
        gateway = MockCardGateway(database, host.now)
        servicer = PaymentsServicer(database, Charging(database, settings.spoil(gateway)))
        service = payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"]
        yield Hosted(
            servicers=[(service, servicer, add_PaymentsServiceServicer_to_server)],
            background=[Reconciler(database, gateway, host.now, host.logger).run],
            policy=policy.SERVER,
        )


if __name__ == "__main__":
    run(PaymentsSettings, build, Migration(PaymentsSettings, MIGRATIONS))
