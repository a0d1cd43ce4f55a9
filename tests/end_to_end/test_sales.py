"""The nightly report, run in the mesh now: it may read the orders, and counts those that were placed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from grpc import StatusCode
from lightkube import AsyncClient

from loadtest.shopper import Shopper
from mesh.chosen_cluster import NAMESPACE
from mesh.suspended_job import SuspendedJob


async def orders_sold(client: AsyncClient) -> int:
    """Of today and yesterday, so that midnight may pass."""
    job = SuspendedJob(client, NAMESPACE, "reporter", asyncio.sleep)
    ended = await job.run("--json", "--days", "2", "--day", datetime.now(UTC).date().isoformat())
    assert ended.exit_code == 0, ended.last_words("reporter")
    days = [row for line in ended.lines if "orders" in (row := json.loads(line))]
    return sum(day["orders"]["sold"] for day in days)


async def test_what_is_sold_appears_in_the_next_report(client: AsyncClient, shopper: Shopper) -> None:
    before = await orders_sold(client)
    outcomes = [await shopper.place_order() for _ in range(3)]
    assert [outcome.code for outcome in outcomes] == [StatusCode.OK] * 3
    assert await orders_sold(client) == before + 3
