from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.canary.act.problems import NoRoute
from mesh.canary.act.route import HEADER_RULE, Route, Sticky
from tests.canary.act.routes import FAULT, destination, primary, virtual_service
from tests.canary.kubernetes_api import Refusal, json_patched

OURS = ("v1", "v2")


def route(*rules: dict[str, Any], **metadata: Any) -> Route:
    return Route.of("catalog", virtual_service(*rules, **metadata))


def after(before: Route, patch: list[dict[str, Any]]) -> Route:
    """The route that an API server makes of the patch."""
    return Route.of("catalog", json_patched(virtual_service(*map(dict, before.rules)), patch))


def test_weights_are_read_by_version_and_a_single_destination_has_all() -> None:
    assert route(primary(v1=90, v2=10)).weights == {"v1": 90, "v2": 10}
    assert route({"name": "primary", "route": [destination("v1")]}).weights == {"v1": 100}
    assert route({"name": "primary", "route": [destination("v1", 100), destination("v2")]}).weights == {
        "v1": 100,
        "v2": 0,
    }


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([], "no rule named primary"),
        ([FAULT], "no rule named primary"),
        ([primary(v1=100), primary(v1=100)], "2 rules named primary"),
        ([{"name": "primary", "route": [{"destination": {"host": "catalog"}}]}], "name a subset"),
        ([{"name": "primary", "route": [destination("v1", 50), destination("v1", 50)]}], "name a subset"),
        ([{"name": "primary"}], "name a subset"),
    ],
)
def test_a_route_a_canary_cannot_move_is_refused_with_the_reason(rules: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(NoRoute, match=why):
        route(*rules)


@given(old=st.integers(0, 100), new=st.integers(0, 100), faults=st.integers(0, 2))
def test_weights_are_absolute_and_nothing_else_in_the_object_changes(old: int, new: int, faults: int) -> None:
    before = route(*[FAULT] * faults, primary(v1=100 - old, v2=old), FAULT)
    changed = after(before, before.with_weights({"v1": 100 - new, "v2": new}))
    assert changed.weights == {"v1": 100 - new, "v2": new}
    assert [rule for rule in changed.rules if rule["name"] != "primary"] == [FAULT] * (faults + 1)
    assert after(changed, changed.with_weights({"v1": 100 - new, "v2": new})).rules == changed.rules


def test_a_version_that_is_not_named_gets_nothing_and_a_new_one_is_added() -> None:
    before = route(primary(v1=60, v2=40))
    assert after(before, before.with_weights({"v1": 90, "v3": 10})).weights == {"v1": 90, "v2": 0, "v3": 10}


@pytest.mark.parametrize("weights", [{"v1": 90}, {"v1": 110, "v2": -10}, {"v1": 100, "v2": 1}])
def test_weights_that_are_not_a_hundred_together_are_never_sent(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="100 together"):
        route(primary(v1=100, v2=0)).with_weights(weights)


@pytest.mark.parametrize(
    "meanwhile",
    [
        virtual_service(primary(v1=50, v2=50)),  # other weights
        virtual_service(FAULT, primary(v1=100, v2=0)),  # the rule moved
        virtual_service(primary(v1=100, v2=0), resourceVersion="101"),  # anything
    ],
)
def test_a_patch_does_not_apply_to_an_object_that_changed(meanwhile: dict[str, Any]) -> None:
    patch = route(primary(v1=100, v2=0)).with_weights({"v1": 90, "v2": 10})
    with pytest.raises(Refusal, match="testing path"):
        json_patched(meanwhile, patch)


def test_without_its_tests_the_patch_would_overwrite_what_somebody_else_wrote() -> None:
    patch = route(primary(v1=100, v2=0)).with_weights({"v1": 90, "v2": 10})
    careless = [operation for operation in patch if operation["op"] != "test"]
    assert json_patched(virtual_service(primary(v1=50, v2=50)), careless) == virtual_service(primary(v1=90, v2=10))


def test_the_header_rule_stands_before_the_weights_and_goes_without_a_trace() -> None:
    before = route(FAULT, primary(v1=100, v2=0))
    there = after(before, before.with_header_rule("v2"))
    assert [rule["name"] for rule in there.rules] == ["fault", HEADER_RULE, "primary"]
    assert (there.header_rule, there.weights) == ("v2", {"v1": 100, "v2": 0})
    assert there.rules[1]["match"] == [{"headers": {"x-canary": {"exact": "always"}}}]
    assert there.with_header_rule("v2") == []
    assert after(there, there.without_header_rule()).rules == before.rules
    assert before.without_header_rule() == []


def test_sticky_callers_are_told_by_their_header_and_a_second_rule_is_never_added() -> None:
    before = route(primary(v1=100, v2=0))
    there = after(before, before.with_header_rule("v2"))
    sticky = after(there, there.with_header_rule("v2", Sticky.parse("X-Tester = anna ")))
    assert [rule["name"] for rule in sticky.rules] == [HEADER_RULE, "primary"]
    assert [list(match["headers"]) for match in sticky.rules[0]["match"]] == [["x-canary"], ["x-tester"]]
    assert sticky.rules[0]["match"][1]["headers"]["x-tester"] == {"exact": "anna"}


@pytest.mark.parametrize("text", ["", "x-tester", "=anna", "x-tester="])
def test_a_sticky_header_without_a_name_or_value_is_wrong_usage(text: str) -> None:
    with pytest.raises(ValueError, match="HEADER=VALUE"):
        Sticky.parse(text)


def test_the_header_rule_keeps_what_the_primary_rule_asks_for() -> None:
    uri = {"uri": {"prefix": "/shop."}, "headers": {"x-tenant": {"exact": "a"}}}
    rule = {**primary(v1=100, v2=0), "timeout": "2s", "match": [uri]}
    added = after(route(rule), route(rule).with_header_rule("v2")).rules[0]
    assert added["timeout"] == "2s"
    assert added["match"] == [
        {"uri": {"prefix": "/shop."}, "headers": {"x-tenant": {"exact": "a"}, "x-canary": {"exact": "always"}}}
    ]


def test_all_to_one_version_takes_the_header_rule_away_too() -> None:
    before = route(FAULT, primary(v1=40, v2=60))
    there = after(before, before.with_header_rule("v2"))
    assert after(there, there.all_to("v1")).rules == (FAULT, primary(v1=100, v2=0))


def test_drift_is_in_our_rules_and_not_in_anybody_elses() -> None:
    one = route(primary(v1=100, v2=0))
    assert route({"name": "primary", "route": [destination("v1", 100), destination("v2")]}).ours == one.ours
    assert route(FAULT, primary(v1=100, v2=0), resourceVersion="7").ours == one.ours
    assert route(primary(v1=99, v2=1)).ours != one.ours
    assert route({**primary(v1=100, v2=0), "timeout": "1s"}).ours != one.ours
    assert after(one, one.with_header_rule("v2")).ours != one.ours
