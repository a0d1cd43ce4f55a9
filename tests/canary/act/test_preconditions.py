from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mesh.canary.act.lease import Holding
from mesh.canary.act.pods import Pods
from mesh.canary.act.preconditions import Facts, Finding, Level, findings
from mesh.canary.act.route import Route
from mesh.canary.judge.counts import Counts
from mesh.canary.measure.difference import Delta, NoData
from tests.canary.act.routes import primary, virtual_service

BUDGET = {"retryBudget": {"percent": 20}}


def rule(*versions: str, most: int = 50, **own: Any) -> dict[str, Any]:
    subsets = [
        {"name": version, "labels": {"version": version}, "trafficPolicy": own or BUDGET} for version in versions
    ]
    policy = {**BUDGET, "outlierDetection": {"maxEjectionPercent": most}}
    return {"spec": {"host": "catalog", "trafficPolicy": policy, "subsets": subsets}}


def seen(requests: int = 500, errors: int = 1, *left_out: str) -> Delta:
    return Delta(1000.0, 5.0, {"v1": Counts(requests, errors), "v2": Counts()}, left_out)


def route(**weights: int) -> Route:
    return Route.of("catalog", virtual_service(primary(**weights)))


SOUND = Facts(
    baseline="v1",
    canary="v2",
    route=route(v1=100, v2=0),
    destination_rule=rule("v1", "v2"),
    pods={"v1": Pods(2), "v2": Pods(2)},
    holding=None,
    reverted=None,
    clock_ahead=0.4,
    seen=seen(),
)


def worst(facts: Facts) -> list[Finding]:
    return [finding for finding in findings(facts) if finding.level is not Level.GOOD]


def test_a_sound_service_may_start_and_every_check_says_what_it_saw() -> None:
    assert worst(SOUND) == []
    assert len(findings(SOUND)) == 9
    assert all(finding.says for finding in findings(SOUND))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            replace(SOUND, holding=Holding("anna@laptop pid 1 run a", 22.0, "7")),
            "anna@laptop pid 1 run a runs a canary",
        ),
        (replace(SOUND, route=route(v1=90, v2=10)), "v1 90 %, v2 10 %"),
        (replace(SOUND, route=route(v1=0, v2=100)), "begins where v1 has all"),
        (replace(SOUND, destination_rule=rule("v1")), "no subset v2"),
        (replace(SOUND, destination_rule=None), "no subset v1 and v2"),
        (replace(SOUND, pods={"v1": Pods(2), "v2": Pods(0)}), "none is ready"),
        (replace(SOUND, pods={"v1": Pods(0), "v2": Pods(2)}), "none is ready"),
        (replace(SOUND, pods={"v1": Pods(2), "v2": Pods(1, ("catalog-v2-a: CrashLoopBackOff",))}), "CrashLoopBackOff"),
        (replace(SOUND, pods={"v1": Pods(2, (), ("catalog-v1",)), "v2": Pods(2)}), "catalog-v1 is being rolled out"),
        (replace(SOUND, reverted="Flux sets the weights back"), "Flux"),
        (replace(SOUND, seen=NoData(1000.0, "no sidecar has statistics of it")), "no sidecar"),
        (replace(SOUND, seen=seen(requests=100, errors=10)), "10 of 100 requests fail"),
    ],
)
def test_what_makes_a_canary_unsafe_refuses_its_start_and_says_why(wrong: Facts, says: str) -> None:
    (finding,) = worst(wrong)
    assert (finding.level, says in finding.says) == (Level.REFUSED, True), finding


@pytest.mark.parametrize(
    ("doubtful", "says"),
    [
        (replace(SOUND, pods={"v1": Pods(2), "v2": Pods(1)}), "2 are better"),
        (replace(SOUND, destination_rule=rule("v1", "v2", most=100)), "maxEjectionPercent 100"),
        (replace(SOUND, destination_rule=rule("v1", "v2", loadBalancer={"simple": "RANDOM"})), "istio#59667"),
        (replace(SOUND, clock_ahead=-9.0), "9 s ahead of the cluster's"),
        (replace(SOUND, seen=seen(500, 1, "orders-7d: no answer")), "orders-7d"),
        (replace(SOUND, seen=seen(requests=0, errors=0)), "without traffic"),
    ],
)
def test_what_makes_a_canary_weaker_is_a_warning(doubtful: Facts, says: str) -> None:
    found = worst(doubtful)
    assert {finding.level for finding in found} == {Level.WARNING}
    assert all(says in finding.says for finding in found)


def test_a_few_errors_of_little_traffic_are_no_incident() -> None:
    assert worst(replace(SOUND, seen=seen(requests=20, errors=3))) == []


def test_a_lock_that_has_expired_or_whose_process_died_holds_nobody_back() -> None:
    for free in (Holding("anna", -1.0, "7"), Holding("anna", 20.0, "7", died=True), Holding("", 20.0, "7")):
        assert worst(replace(SOUND, holding=free)) == []
