"""Report what was sold: `python -m services.reporter [--day 2026-11-20] [--days 7] [--json]`.

Settings from the environment, as of any service. Exit code 0: reported; 2: wrong usage or settings;
3: the orders cannot be read, or do not add up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pydantic.dataclasses import dataclass
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from services.hosting import Host, HostSettings, logs
from services.hosting.pages import Unreadable
from services.hosting.settings import HostAndPort, settings_or_exit
from services.reporter import policy, report
from services.reporter.reading import orders_of
from services.reporter.sales import Sales, WrongSum, sales

NO_REPORT = 3

_EXAMPLES = """\
examples:
  python -m services.reporter                             yesterday
  python -m services.reporter --day 2026-11-20 --days 7   the week that ended that day
  python -m services.reporter --json                      a line for each product, and one for the day"""


@dataclass(frozen=True, kw_only=True)
class ReporterSettings(HostSettings):
    """Whose orders."""

    service_name: str = "reporter"
    orders_service_addr: HostAndPort


async def sold(settings: ReporterSettings, days: Sequence[date]) -> Sales:
    """The sales of these days. Raises Unreadable and WrongSum."""
    async with Host(settings).peer("orders", settings.orders_service_addr, policy.PEERS["orders"]) as orders:
        return sales(await orders_of(orders.stub(OrdersServiceStub), days))


def days_until(last: date, number: int) -> list[date]:
    """`number` days, of which `last` is the last."""
    return [last - timedelta(days=ago) for ago in reversed(range(number))]


def main() -> int:
    """Report, and say by the exit code whether it could be done."""
    parser = argparse.ArgumentParser(
        prog="python -m services.reporter",
        description="Report what was sold on which day (UTC): units and revenue by product and currency.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    parser.add_argument("--day", type=date.fromisoformat, default=yesterday, help="the last day (yesterday)")
    parser.add_argument("--days", type=int, choices=range(1, 367), default=1, metavar="N", help="how many days (1)")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    arguments = parser.parse_args()
    settings = settings_or_exit(ReporterSettings, os.environ)
    logs.configure(settings, sys.stderr)
    days = days_until(arguments.day, arguments.days)
    try:
        rows = report.facts(asyncio.run(sold(settings, days)), days)
    except (Unreadable, WrongSum) as error:
        sys.stderr.write(f"no report: {error}\n")
        return NO_REPORT
    sys.stdout.write((report.as_json(rows) if arguments.json else report.as_text(rows)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
