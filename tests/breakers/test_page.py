"""People see every breaker in a row, and by name who has not answered."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from rich.console import Console

from mesh.breakers.page import page
from mesh.breakers.sight import Sight
from mesh.breakers.view import Tables
from tests.breakers.told import CATALOG, ORDERS, breaker, callee, state, unreached


def shown(*lines: str, everything: bool = False) -> list[list[str]]:
    """The page's lines as words."""
    sight = Sight({"orders": ["orders-1"], "catalog": ["catalog-1"]})
    for line in lines:
        sight.learn(line)
    console = Console(width=160, file=io.StringIO())
    with console.capture() as captured:
        console.print(page(sight, everything=everything))
    return [line.split() for line in captured.get().splitlines()]


async def nothing() -> AsyncIterator[str]:
    """An operator that says nothing."""
    for line in list[str]():
        yield line


async def test_a_watch_begins_with_all_the_tables_that_are_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    await Tables(everything=True).follow(Sight({"orders": ["orders-1"]}), nothing())
    assert "retries left" in capsys.readouterr().out


def test_every_breaker_has_a_row() -> None:
    heading, *rows = shown(ORDERS, CATALOG)
    assert heading == ["service", "pod", "callee", "group", "state", "forced", "failures/calls", "reopens", "in"]
    assert rows == [
        ["orders", "orders-1", "payments", "charge", "closed", "0/0"],
        ["orders", "orders-1", "payments", "refund", "closed", "0/0"],
    ]


@pytest.mark.parametrize(
    ("given", "row"),
    [
        (breaker("charge", calls=20, failures=3), "charge closed 3/20"),
        (breaker("charge", calls=20, failures=3, slow=4), "charge closed 3/20, 4 slow"),
        (breaker("charge", "open", reopens_in=4.6), "charge open 0/0 5 s"),
        (breaker("charge", "open", reopens_in=0.0), "charge open 0/0 the next call tries"),
        (breaker("charge", "half-open"), "charge half-open 0/0"),
        (breaker("charge", "open", forced=True), "charge open forced 0/0"),
        (breaker("charge", "closed", forced=True), "charge closed forced 0/0"),
    ],
)
def test_a_row_says_how_the_breaker_stands(given: dict[str, object], row: str) -> None:
    rows = shown(state("orders", "orders-1", callee("payments", given)), CATALOG)
    assert rows[1] == ["orders", "orders-1", "payments", *row.split()]


def test_with_everything_budgets_bulkheads_and_limits_are_shown_too() -> None:
    rows = shown(ORDERS, CATALOG, everything=True)
    assert ["orders", "orders-1", "payments", "9", "10%", "2", "64"] in rows
    assert ["catalog", "catalog-1", "3", "40"] in rows
    assert ["orders", "orders-1", "attic", "9", "10%", "2", "no", "bound"] in rows


def test_who_has_not_answered_yet_is_waited_for() -> None:
    assert shown(ORDERS)[-1] == ["catalog:", "waiting", "for", "catalog-1"]


def test_who_has_not_answered_is_named_with_the_reason() -> None:
    rows = shown(ORDERS, unreached("catalog", "catalog-1"))
    assert rows[-1] == ["catalog:", "no", "answer", "from", "catalog-1.", "UNAVAILABLE:", "no", "healthy", "upstream"]
