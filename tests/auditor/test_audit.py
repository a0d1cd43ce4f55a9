"""The books are read until they can be believed, and no longer than allowed."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from grpc import StatusCode
from shop.orders.v1 import orders_pb2

from services.auditor.audit import Audit, audit
from services.auditor.books import Books
from services.auditor.report import as_json, as_text, facts
from services.hosting.pages import Unreadable
from tests.auditor.ledgers import CONFIRMED, FAILED, Ledgers
from tests.hosting.running import FakeClock


async def audited(readings: Iterable[Ledgers | Unreadable], settle_seconds: float = 20.0) -> Audit:
    """An audit of books that read so, one reading after another; the last one again and again."""
    remaining = list(readings)
    clock = FakeClock()

    async def read() -> Books:
        reading = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(reading, Unreadable):
            raise reading
        return reading.books()

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return await audit(read, settle_seconds=settle_seconds, monotonic=clock.monotonic, sleep=sleep)


def unpaid() -> Ledgers:
    ledgers = Ledgers()
    del ledgers.payments[CONFIRMED]
    return ledgers


def unsettled() -> Ledgers:
    ledgers = Ledgers()
    ledgers.orders[FAILED].state = orders_pb2.ORDER_STATE_RESERVED
    return ledgers


async def test_balanced_books_are_read_once() -> None:
    assert (await audited([Ledgers()])).readings == 1


async def test_a_discrepancy_is_believed_when_it_is_read_twice() -> None:
    found = await audited([unpaid()])
    assert (found.readings, [wrong.name for wrong in found.found]) == (2, ["PAID_ORDER_WITHOUT_CHARGE"])


async def test_what_was_only_between_two_readings_is_not_reported() -> None:
    assert (await audited([unpaid(), Ledgers()])).found == []


async def test_different_discrepancies_each_time_are_the_shop_going_on() -> None:
    other = Ledgers()
    other.mugs.available += 1
    assert (await audited([unpaid(), other, Ledgers()])).found == []


async def test_orders_in_flight_are_waited_for() -> None:
    assert (await audited([unsettled()] * 5 + [Ledgers()])).found == []


async def test_an_order_that_never_settles_is_reported_when_the_time_is_over() -> None:
    found = await audited([unsettled()], settle_seconds=3.0)
    assert (found.readings, [wrong.name for wrong in found.found]) == (4, ["UNSETTLED"])


async def test_with_no_time_to_settle_there_are_still_two_readings() -> None:
    assert (await audited([unpaid()], settle_seconds=0.0)).readings == 2


DOWN = Unreadable("payments", StatusCode.UNAVAILABLE, "connection refused")
FORBIDDEN = Unreadable("payments", StatusCode.PERMISSION_DENIED, "RBAC: access denied")


async def test_a_service_that_is_starting_is_waited_for() -> None:
    assert (await audited([DOWN, DOWN, Ledgers()])).found == []


@pytest.mark.parametrize("unreadable", [DOWN, FORBIDDEN])
async def test_books_that_cannot_be_read_are_no_verdict(unreadable: Unreadable) -> None:
    with pytest.raises(Unreadable, match="payments"):
        await audited([unreadable])


async def test_a_refusal_is_not_asked_for_twice() -> None:
    with pytest.raises(Unreadable):
        await audited([FORBIDDEN, Ledgers()])


async def test_a_report_says_what_was_counted_and_what_is_wrong() -> None:
    report = facts(await audited([unpaid()]))
    assert json.loads(as_json(report)) == report
    assert report["orders"] == {"total": 3, "CANCELLED": 1, "CONFIRMED": 1, "FAILED": 1}
    assert "\n" not in as_json(report)
    text = as_text(report)
    assert "3 (1 CANCELLED, 1 CONFIRMED, 1 FAILED)" in text
    assert "PAID_ORDER_WITHOUT_CHARGE: confirmed, but no payment is charged; order_id order confirmed" in text
    assert text.endswith("1 discrepancy")


async def test_a_shop_without_orders_is_not_called_sound() -> None:
    empty = Ledgers()
    for book in (empty.orders, empty.payments, empty.reservations):
        book.clear()
    empty.mugs.available, empty.mugs.committed = 10, 0
    assert "there are no orders: nothing is proved" in as_text(facts(await audited([empty])))
