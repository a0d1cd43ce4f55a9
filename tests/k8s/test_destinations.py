"""A sick pod is taken out, a healthy service is not, and retries have a budget everywhere."""

from __future__ import annotations

import copy
import math

import pytest

from tests.k8s.manifests import Manifests, Object

BUDGET = {"percent": 20, "minRetryConcurrency": 3}


def policies(rule: Object) -> dict[str, Object]:
    """The traffic policy of the host and of each subset, by name."""
    subsets = {subset["name"]: subset.get("trafficPolicy", {}) for subset in rule["spec"]["subsets"]}
    return {"": rule["spec"]["trafficPolicy"], **subsets}


def ejectable(percent: int, pods: int) -> int:
    """How many of `pods` Envoy takes out at most: it ejects one more only if the share stays within `percent`."""
    return math.floor(percent * pods / 100)


def budgetless(rule: Object) -> list[str]:
    return [name for name, policy in policies(rule).items() if policy.get("retryBudget") != BUDGET]


def test_rule_27_every_host_and_every_subset_has_the_retry_budget(shop: Manifests) -> None:
    for rule in shop.of("DestinationRule"):
        assert budgetless(rule) == []


def test_a_subset_without_a_budget_is_found(shop: Manifests) -> None:
    rule = copy.deepcopy(shop.named("DestinationRule", "catalog"))
    del rule["spec"]["subsets"][-1]["trafficPolicy"]
    assert budgetless(rule) == ["v2"]


def test_a_pod_of_the_callers_zone_answers_and_a_new_one_gets_its_share_bit_by_bit(shop: Manifests) -> None:
    for rule in shop.of("DestinationRule"):
        balancer = rule["spec"]["trafficPolicy"]["loadBalancer"]
        assert balancer["simple"] == "LEAST_REQUEST"
        assert balancer["localityLbSetting"] == {"enabled": True}
        assert 0 < balancer["warmup"]["minimumPercent"] < 100
        assert "loadBalancer" not in rule["spec"]["subsets"][0]["trafficPolicy"]  # inherited


def test_operators_reach_pods_of_every_zone_version_and_age(shop: Manifests) -> None:
    for rule in shop.of("DestinationRule"):
        (every,) = [subset for subset in rule["spec"]["subsets"] if "labels" not in subset]
        balancer = {"simple": "ROUND_ROBIN", "localityLbSetting": {"enabled": False}}
        assert (every["name"], every["trafficPolicy"]["loadBalancer"]) == ("every", balancer)


@pytest.mark.parametrize("pods", [2, 3, 4, 10])
def test_rule_28_one_sick_pod_of_several_can_be_ejected_and_never_all(shop: Manifests, pods: int) -> None:
    for rule in shop.of("DestinationRule"):
        percent = rule["spec"]["trafficPolicy"]["outlierDetection"]["maxEjectionPercent"]
        assert 1 <= ejectable(percent, pods) < pods


def test_the_only_pod_of_a_version_is_never_ejected(shop: Manifests) -> None:
    for deployment in shop.services():
        rule = shop.named("DestinationRule", deployment["metadata"]["labels"]["app"])
        percent = rule["spec"]["trafficPolicy"]["outlierDetection"]["maxEjectionPercent"]
        assert ejectable(percent, 1) == 0


def test_istios_default_of_ten_percent_would_eject_nobody() -> None:
    assert [ejectable(10, pods) for pods in (1, 2, 4, 9)] == [0, 0, 0, 0]


def test_no_subset_sets_outlier_detection_of_its_own(shop: Manifests) -> None:
    for rule in shop.of("DestinationRule"):
        assert all("outlierDetection" not in subset["trafficPolicy"] for subset in rule["spec"]["subsets"])


def test_orders_is_not_ejected_for_the_failures_of_others(shop: Manifests) -> None:
    detection = shop.named("DestinationRule", "orders")["spec"]["trafficPolicy"]["outlierDetection"]
    assert detection["splitExternalLocalOriginErrors"] is True
    assert detection["consecutive5xxErrors"] == detection["consecutiveGatewayErrors"] == 0
    assert detection["consecutiveLocalOriginFailures"] > 0


def test_every_subset_selects_pods_and_every_deployment_has_its_subset(shop: Manifests) -> None:
    deployed = {
        (one["metadata"]["labels"]["app"], one["spec"]["template"]["metadata"]["labels"]["version"])
        for one in shop.services()
    }
    named = {
        (rule["spec"]["host"], subset["labels"]["version"])
        for rule in shop.of("DestinationRule")
        for subset in rule["spec"]["subsets"]
        if "labels" in subset
    }
    assert named == deployed


def test_every_route_names_a_subset_that_exists(shop: Manifests) -> None:
    for one in shop.of("VirtualService"):
        for rule in one["spec"]["http"]:
            for route in rule.get("route", []):
                destination = route["destination"]
                destinations = shop.named("DestinationRule", destination["host"])
                assert destination.get("subset", "") in policies(destinations)
