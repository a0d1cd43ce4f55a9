"""What was sold is summed exactly: by day, product and currency, what was returned apart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop.money.v1 import money_pb2
from shop.orders.v1 import orders_pb2

from services.reporter.report import as_json, as_text, decimal, facts
from services.reporter.sales import BILLION, Fate, Item, WrongSum, sales

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONFIRMED, CANCELLED = orders_pb2.ORDER_STATE_CONFIRMED, orders_pb2.ORDER_STATE_CANCELLED


def money(billionths: int, currency: str = "EUR") -> money_pb2.Money:
    units, nanos = divmod(billionths, BILLION)
    return money_pb2.Money(currency_code=currency, units=units, nanos=nanos)


def order(
    *lines: tuple[str, int, int],
    state: orders_pb2.OrderState.ValueType = CONFIRMED,
    at: datetime = NOON,
    currency: str = "EUR",
) -> orders_pb2.Order:
    """An order of these products, pieces and unit prices (in billionths), placed at this time."""
    made = orders_pb2.Order(
        order_id="argo",
        lines=[
            orders_pb2.OrderLine(product_id=product, quantity=pieces, unit_price=money(price, currency))
            for product, pieces, price in lines
        ],
        total=money(sum(pieces * price for _, pieces, price in lines), currency),
        state=state,
    )
    made.create_time.FromDatetime(at)
    return made


MUG, ROPE = ("mug", 2, 12_500_000_000), ("rope", 1, 32 * BILLION)


def test_a_product_is_summed_over_all_orders_of_its_day() -> None:
    (mug, rope, day) = facts(sales([order(MUG), order(MUG, ROPE)]), [DAY])
    assert (mug["product_id"], mug["units"], mug["revenue"]) == ("mug", 4, "50.00")
    assert (rope["product_id"], rope["units"], rope["revenue"]) == ("rope", 1, "32.00")
    assert (day["orders"]["sold"], day["revenue"], day["refunded"]) == (2, {"EUR": "82.00"}, {"EUR": "0.00"})


def test_what_was_returned_is_no_revenue_and_is_told_apart() -> None:
    (mug, day) = facts(sales([order(MUG), order(MUG, state=CANCELLED)]), [DAY])
    assert (mug["units"], mug["revenue"], mug["returned"], mug["refunded"]) == (2, "25.00", 2, "25.00")
    assert (day["revenue"], day["refunded"]) == ({"EUR": "25.00"}, {"EUR": "25.00"})


@pytest.mark.parametrize(
    ("state", "fate"),
    [
        (orders_pb2.ORDER_STATE_FAILED, "failed"),
        (orders_pb2.ORDER_STATE_PENDING, "unfinished"),
        (orders_pb2.ORDER_STATE_RESERVED, "unfinished"),
        (orders_pb2.ORDER_STATE_CHARGED, "unfinished"),
        (orders_pb2.ORDER_STATE_COMPENSATING, "unfinished"),
    ],
)
def test_an_order_that_did_not_come_about_is_counted_and_sells_nothing(
    state: orders_pb2.OrderState.ValueType, fate: str
) -> None:
    (day,) = facts(sales([order(MUG, state=state)]), [DAY])
    assert {name: number for name, number in day["orders"].items() if number} == {fate: 1}
    assert day["revenue"] == day["refunded"] == {}


def test_currencies_are_never_added_up() -> None:
    found = sales([order(MUG), order(("mug", 1, 1500 * BILLION), currency="JPY")])
    assert [row["currency"] for row in facts(found, [DAY])[:-1]] == ["EUR", "JPY"]
    assert facts(found, [DAY])[-1]["revenue"] == {"EUR": "25.00", "JPY": "1500.00"}


def test_a_day_begins_and_ends_at_midnight_utc() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    last = midnight + timedelta(days=1) - timedelta(microseconds=1)
    found = sales([order(MUG, at=midnight), order(MUG, at=last), order(MUG, at=midnight + timedelta(days=1))])
    assert found.orders == {(DAY, Fate.SOLD): 2, (DAY + timedelta(days=1), Fate.SOLD): 1}


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 10_000 * BILLION)), max_size=20))
def test_not_a_billionth_is_lost(bought: list[tuple[int, int]]) -> None:
    found = sales([order(("mug", pieces, price)) for pieces, price in bought])
    item = Item(DAY, "EUR", "mug")
    assert found.amounts[item, Fate.SOLD] == sum(pieces * price for pieces, price in bought)
    assert found.units[item, Fate.SOLD] == sum(pieces for pieces, _ in bought)


def test_lines_that_do_not_come_to_the_total_make_no_report() -> None:
    without_prices = order(MUG)
    without_prices.lines[0].ClearField("unit_price")  # as an older orders answers
    with pytest.raises(WrongSum, match="argo"):
        sales([without_prices])


@pytest.mark.parametrize(
    ("billionths", "shown"),
    [(0, "0.00"), (12_500_000_000, "12.50"), (1500 * BILLION, "1500.00"), (1, "0.000000001"), (1_234_000_000, "1.234")],
)
def test_an_amount_is_shown_exactly(billionths: int, shown: str) -> None:
    assert decimal(billionths) == shown


def test_a_day_without_orders_is_reported_as_one() -> None:
    assert as_text(facts(sales([]), [DAY])).splitlines() == [
        "Sales of 2026-11-20 (UTC)",
        "orders: 0 sold, 0 returned, 0 failed, 0 unfinished",
        "revenue: nothing",
        "refunded: nothing",
    ]


def test_people_get_a_table_for_each_day_and_programs_a_line_for_each_row() -> None:
    rows = facts(sales([order(MUG, ROPE)]), [DAY - timedelta(days=1), DAY])
    assert as_json(rows).count("\n") == 3
    assert as_text(rows).split("\n\n")[1].splitlines() == [
        "Sales of 2026-11-20 (UTC)",
        "product_id  currency  units  revenue  returned  refunded",
        "mug         EUR           2    25.00         0      0.00",
        "rope        EUR           1    32.00         0      0.00",
        "orders: 1 sold, 0 returned, 0 failed, 0 unfinished",
        "revenue: EUR 57.00",
        "refunded: EUR 0.00",
    ]
