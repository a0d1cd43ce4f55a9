"""What random kills may cost, and what not: every promise on its own turns the verdict."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from shop.orders.v1 import orders_pb2

from loadtest.shopping import wish
from mesh.chaos.kills.insistent import Told
from mesh.chaos.kills.judging import Seen, checks, document, outcome
from mesh.chaos.kills.killing import Kill
from mesh.chaos.verdict import Outcome

CLEAN: dict[str, Any] = {"verdict": "clean", "discrepancies": []}


def order(name: str, state: Any = orders_pb2.ORDER_STATE_CONFIRMED, seconds: int = 2) -> Any:
    return orders_pb2.Order(
        order_id=name, state=state, create_time=Timestamp(seconds=100), update_time=Timestamp(seconds=100 + seconds)
    )


def seen() -> Seen:
    kills = [Kill(1.0, "orders-v1-a", "orders", "orders"), Kill(2.0, "payments-v1-a", "payments", "istio-proxy")]
    told = Told(asked=3, tries=5, confirmed=["a", "b"], refused=["INTERRUPTED"])
    books = [order("a"), order("b", seconds=30), order("c", orders_pb2.ORDER_STATE_FAILED)]
    return Seen(2, kills, told, books, CLEAN)


def broken(one: Seen) -> list[str]:
    assert outcome(one) is Outcome.FAIL
    return [check.what for check in checks(one) if not check.holds]


def audited(*names: str) -> Seen:
    return replace(seen(), audit={"verdict": "discrepancies", "discrepancies": [{"name": name} for name in names]})


def test_when_every_order_has_one_end_and_the_books_agree_it_passes() -> None:
    assert outcome(seen()) is Outcome.PASS
    assert all(check.holds for check in checks(seen()))


@pytest.mark.parametrize(
    ("one", "promise"),
    [
        (audited("DOUBLE_CHARGE"), "orders charged twice"),
        (audited("STOCK_NOT_CONSERVED"), "stock that is not conserved"),
        (audited("LEAKED_RESERVATION"), "stock that is not conserved"),
        (audited("CHARGED_BUT_NOT_CONFIRMED"), "other discrepancies in the books"),
        (replace(seen(), orders=[order("a")]), "confirmed orders that are lost"),
        (
            replace(seen(), orders=[order("a"), order("b", orders_pb2.ORDER_STATE_FAILED)]),
            "confirmed orders that are lost",
        ),
        (
            replace(seen(), orders=[*seen().orders, order("d", orders_pb2.ORDER_STATE_CHARGED)]),
            "orders that are not final",
        ),
        (replace(seen(), orders=[*seen().orders, order("d", seconds=31)]), "the slowest order was final after"),
        (
            replace(seen(), told=replace(seen().told, unanswered=[wish(Random(1), ["mug"], "c")])),  # noqa: S311  # choices, not secrets
            "orders whose customer was never told",
        ),
    ],
)
def test_each_promise_that_is_broken_fails_it(one: Seen, promise: str) -> None:
    assert broken(one) == [promise]


@pytest.mark.parametrize(
    "one",
    [
        replace(seen(), wanted=3),
        replace(seen(), told=Told(asked=3)),
        replace(seen(), audit={"verdict": "unreadable", "problem": "orders: UNAVAILABLE"}),
    ],
)
def test_without_all_kills_or_orders_or_books_nothing_is_proved(one: Seen) -> None:
    assert outcome(one) is Outcome.INVALID


def test_the_document_says_who_was_killed_and_what_customers_were_told() -> None:
    whole = document(seen(), run="r", seed=7, environment={"cores": 2})
    assert (whole["outcome"], whole["seed"], whole["times"]) == ("PASS", 7, 2)
    assert whole["killed"] == {"orders orders": 1, "payments istio-proxy": 1}
    assert whole["customers"]["refused"] == {"INTERRUPTED": 1}
