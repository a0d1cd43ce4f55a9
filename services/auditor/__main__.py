"""Compare the books of orders, payments and inventory: `python -m services.auditor [--json] [--settle SECONDS]`.

Settings from the environment, as of any service. Exit code 0: no discrepancy; 1: discrepancies;
2: wrong usage or settings; 3: the books cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from typing import Any

from pydantic.dataclasses import dataclass
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.auditor import policy, reading, report
from services.auditor.audit import audit
from services.hosting import Host, HostSettings, logs
from services.hosting.pages import Unreadable
from services.hosting.settings import HostAndPort, settings_or_exit

EXIT_CODES = {report.CLEAN: 0, report.WRONG: 1, report.UNREADABLE: 3}


@dataclass(frozen=True, kw_only=True)
class AuditorSettings(HostSettings):
    """Whose books."""

    service_name: str = "auditor"
    orders_service_addr: HostAndPort
    payments_service_addr: HostAndPort
    inventory_service_addr: HostAndPort


async def examine(settings: AuditorSettings, settle_seconds: float) -> dict[str, Any]:
    """The report of one audit."""
    host = Host(settings)
    async with (
        host.peer("orders", settings.orders_service_addr, policy.PEERS["orders"]) as orders,
        host.peer("payments", settings.payments_service_addr, policy.PEERS["payments"]) as payments,
        host.peer("inventory", settings.inventory_service_addr, policy.PEERS["inventory"]) as inventory,
    ):
        reader = reading.Reader(
            orders.stub(OrdersServiceStub), payments.stub(PaymentsServiceStub), inventory.stub(InventoryServiceStub)
        )
        try:
            return report.facts(
                await audit(reader.read, settle_seconds=settle_seconds, monotonic=time.monotonic, sleep=asyncio.sleep)
            )
        except Unreadable as error:
            return {"verdict": report.UNREADABLE, "problem": str(error)}


def main() -> int:
    """Audit, print, and say by the exit code what was found."""
    parser = argparse.ArgumentParser(prog="python -m services.auditor", description="Compare the shop's books.")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    parser.add_argument(
        "--settle", type=float, default=20.0, metavar="SECONDS", help="wait so long for orders in flight (20)"
    )
    arguments = parser.parse_args()
    settings = settings_or_exit(AuditorSettings, os.environ)
    logs.configure(settings, sys.stderr)
    found = asyncio.run(examine(settings, arguments.settle))
    sys.stdout.write((report.as_json(found) if arguments.json else report.as_text(found)) + "\n")
    return EXIT_CODES[found["verdict"]]


if __name__ == "__main__":
    sys.exit(main())
