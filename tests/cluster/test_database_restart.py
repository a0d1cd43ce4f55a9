"""What if the database goes away while customers order? None is lost, and none made twice."""

from __future__ import annotations

import asyncio

from loadtest.open_loop import OpenLoop
from loadtest.shopper import Shopper
from mesh.running_shop import Shop
from tests.cluster.crowd import failures
from tests.cluster.nodes import objects
from tests.end_to_end.conftest import argosy, eventually, kubectl

RATE = 10  # orders per second
PRESSES = 60  # of the button, one a second: a customer who really wants it


def database() -> str:
    """The database pod's identity, which changes when it is replaced."""
    (pod,) = objects("pods", "-n", "shop", "-l", "app=postgresql")
    ready = all(status["ready"] for status in pod["status"].get("containerStatuses", [{"ready": False}]))
    return str(pod["metadata"]["uid"]) if ready and "deletionTimestamp" not in pod["metadata"] else ""


async def test_no_order_is_lost_when_the_database_is_replaced(shopper: Shopper, shop: Shop) -> None:
    before = database()
    buying = OpenLoop(lambda _: shopper.place_order(timeout=5.0, presses=PRESSES, pause=1.0), rate=RATE)
    running = asyncio.create_task(buying.run())
    try:
        deleted = await asyncio.to_thread(kubectl, "delete", "pod", "-l", "app=postgresql")
        assert deleted.code == 0, deleted.err
        await asyncio.to_thread(eventually, "another database", lambda: database() not in ("", before), wanted=True)
        wanted = len(buying.report().samples) + 10 * RATE
        async with asyncio.timeout(120):
            while len(buying.report().samples) < wanted:
                await asyncio.sleep(0.1)
    finally:
        buying.stop()
        report = await running
    # Whoever was told that the order came to nothing ordered anew; nobody was left without an answer.
    assert not report.failures, failures(report)
    confirmed = [call.outcome.order_id for call in report.samples if not call.outcome.failed]
    assert len(set(confirmed)) == len(confirmed)
    # The negative control: somebody had to press again, so the database was really away.
    assert any(call.outcome.tries > 1 for call in report.samples)
    audited = argosy("audit", "--json")
    assert audited.code == 0, audited.out + audited.err
    assert audited.json["orders"]["total"] >= len(confirmed)
