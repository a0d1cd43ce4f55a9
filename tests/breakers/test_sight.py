"""What the operator says becomes what is known; what it does not say is missing."""

from __future__ import annotations

import json

import pytest

from mesh.breakers.problems import NoAnswer, NoSuchThing
from mesh.breakers.sight import Sight
from tests.breakers.told import CATALOG, LOG, ORDERS, breaker, callee, refused, state, unreached

GONE = json.dumps({"service": "orders", "pod": "orders-1", "gone": True})


def sight(*lines: str) -> Sight:
    seen = Sight({"orders": ["orders-1", "orders-2"], "catalog": ["catalog-1"]})
    for line in lines:
        assert seen.learn(line)
    return seen


def test_who_has_answered_is_known_in_order_and_who_has_not_is_missing() -> None:
    seen = sight(ORDERS, CATALOG)
    assert [one["pod"] for one in seen.in_order()] == ["catalog-1", "orders-1"]
    assert seen.missing == {"orders": ["orders-2"]}


def test_the_last_that_a_pod_says_counts() -> None:
    seen = sight(ORDERS, state("orders", "orders-1", callee("payments", breaker("charge", "open"))))
    (orders,) = seen.in_order()
    assert orders["callees"][0]["breakers"][0]["state"] == "open"


def test_why_a_pod_did_not_answer_is_known() -> None:
    assert sight(unreached("orders", "orders-2")).problems == {"orders": "UNAVAILABLE: no healthy upstream"}


def test_a_pod_that_has_gone_is_neither_seen_nor_missing() -> None:
    seen = sight(ORDERS, GONE)
    assert (seen.states, seen.missing) == ({}, {"orders": ["orders-2"], "catalog": ["catalog-1"]})


@pytest.mark.parametrize("line", [LOG, "no JSON", "[]", "17", "null"])
def test_its_log_is_not_about_the_services(line: str) -> None:
    assert not sight().learn(line)


@pytest.mark.parametrize("code", ["NOT_FOUND", "INVALID_ARGUMENT"])
def test_what_does_not_exist_is_the_askers_mistake(code: str) -> None:
    with pytest.raises(NoSuchThing, match="it calls catalog"):
        sight(refused("orders", code, "orders does not call bank: it calls catalog"))


def test_who_may_not_ask_gets_no_answer() -> None:
    with pytest.raises(NoAnswer, match="orders refuses the operator: PERMISSION_DENIED: RBAC"):
        sight(refused("orders", "PERMISSION_DENIED", "RBAC: access denied"))
