"""What manifests do to retries and faults, whatever they were made from: refused, directly or through a delegate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mesh.policy.built import lint_objects

Object = dict[str, Any]

ABORT = {"abort": {"percentage": {"value": 30}, "grpcStatus": "UNAVAILABLE"}}
ONCE = {"attempts": 1, "retryOn": "connect-failure"}
BUDGET = {"retryBudget": {"percent": 20, "minRetryConcurrency": 3}}
TO_PODS = {"route": [{"destination": {"host": "catalog", "subset": "v1"}}]}


def virtual_service(name: str, *rules: Object, **spec: object) -> Object:
    return {"kind": "VirtualService", "metadata": {"name": name}, "spec": {"http": list(rules), **spec}}


def good() -> list[Object]:
    """An entrance that retries and delegates, and a destination with budgets."""
    entrance = {"name": "mesh", "retries": dict(ONCE), "delegate": {"name": "catalog"}}
    subset = {"name": "v1", "trafficPolicy": dict(BUDGET)}
    destination = {"host": "catalog", "trafficPolicy": dict(BUDGET), "subsets": [subset]}
    return [
        virtual_service("catalog-mesh", entrance, hosts=["catalog"]),
        virtual_service("catalog", {"name": "primary", **TO_PODS}),
        {"kind": "DestinationRule", "metadata": {"name": "catalog"}, "spec": destination},
    ]


def refused(objects: list[Object]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.problem) for finding in lint_objects("an overlay", objects)]


def primary(objects: list[Object]) -> Any:
    return objects[1]["spec"]["http"][0]


def test_what_is_built_the_way_we_build_it_is_not_refused() -> None:
    assert refused(good()) == []


def test_rule_29_a_fault_under_an_entrance_that_retries_is_refused() -> None:
    objects = good()
    primary(objects)["fault"] = ABORT
    assert refused(objects) == [("fault-and-retry", "VirtualService catalog: route 'primary' has a fault and retries")]


def test_rule_29_a_fault_at_the_entrance_is_refused_too() -> None:
    objects = good()
    objects[0]["spec"]["http"][0]["fault"] = ABORT
    assert [rule for rule, _ in refused(objects)] == ["fault-and-retry"]


def test_rule_29_a_fault_and_retries_on_one_route_are_refused() -> None:
    objects = [
        virtual_service("catalog", {"name": "primary", "fault": ABORT, "retries": ONCE, **TO_PODS}, hosts=["catalog"])
    ]
    assert ("fault-and-retry", "VirtualService catalog: route 'primary' has a fault and retries") in refused(objects)


def test_rule_29_saying_nothing_about_retries_is_istios_default_and_refused() -> None:
    objects = [virtual_service("catalog", {"name": "primary", "fault": ABORT, **TO_PODS}, hosts=["catalog"])]
    assert "fault-and-retry" in [rule for rule, _ in refused(objects)]


def test_a_fault_that_says_it_is_not_retried_is_allowed() -> None:
    objects = good()
    primary(objects).update(fault=ABORT, retries={"attempts": 0})
    assert refused(objects) == []


@pytest.mark.parametrize(
    ("lose", "named"),
    [
        (lambda rule: rule["trafficPolicy"].pop("retryBudget"), "DestinationRule catalog is"),
        (lambda rule: rule["subsets"][0].pop("trafficPolicy"), "DestinationRule catalog subset v1 is"),
        (lambda rule: rule["subsets"].append({"name": "v2"}), "DestinationRule catalog subset v2 is"),
    ],
)
def test_rule_27_retries_without_a_budget_are_refused(lose: Callable[[Object], object], named: str) -> None:
    objects = good()
    lose(objects[2]["spec"])
    assert refused(objects) == [("retries-without-budget", f"{named} retried without a budget")]


def test_rule_27_a_retried_host_without_a_destination_rule_is_refused() -> None:
    assert refused(good()[:2]) == [("retries-without-budget", "catalog is retried and has no DestinationRule")]


NEAREST = {"simple": "LEAST_REQUEST", "localityLbSetting": {"enabled": True}, "warmup": {"duration": "10s"}}


def balanced(balancer: Object, **policy: Object) -> list[tuple[str, str]]:
    """What is refused when the destination balances like this."""
    objects = good()
    objects[2]["spec"]["trafficPolicy"].update(loadBalancer=balancer, **policy)
    return refused(objects)


def test_a_zone_is_preferred_only_where_sick_pods_are_ejected() -> None:
    assert balanced(NEAREST, outlierDetection={"maxEjectionPercent": 50}) == []
    host, subset = balanced(NEAREST)
    assert host == ("no-failover", "DestinationRule catalog prefers the caller's zone and ejects nobody from it")
    assert subset[1].startswith("DestinationRule catalog subset v1 prefers")
    assert {rule for rule, _ in balanced(NEAREST, outlierDetection={"maxEjectionPercent": 0})} == {"no-failover"}
    assert balanced({"localityLbSetting": {"enabled": False}}) == []


def test_a_warm_up_that_istio_ignores_is_refused() -> None:
    random = {"simple": "RANDOM", "warmup": {"duration": "10s"}}
    assert {rule for rule, _ in balanced(random)} == {"no-warm-up"}
    assert balanced(random | {"simple": "ROUND_ROBIN"}) == []


def test_what_is_never_retried_needs_no_budget() -> None:
    objects = good()[:2]
    objects[0]["spec"]["http"][0]["retries"] = {"attempts": 0}
    assert refused(objects) == []
