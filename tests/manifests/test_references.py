"""Names and selectors that lead nowhere are found."""

from __future__ import annotations

from typing import Any

import pytest

from mesh.manifests.references import unresolved
from tests.manifests.objects import DEPLOYMENT, changed, named, parsed

THERE = [named("ServiceAccount", "web"), named("ConfigMap", "colours"), named("PersistentVolumeClaim", "data")]
POD = "spec.template.spec"


def budget(selector: dict[str, Any]) -> dict[str, Any]:
    return {**named("PodDisruptionBudget", "web"), "spec": {"selector": selector}}


def messages(*objects: dict[str, Any]) -> list[str]:
    return [problem.message for problem in unresolved("here", objects)]


def test_what_is_there_is_found() -> None:
    assert messages(parsed(DEPLOYMENT), *THERE, budget({"matchLabels": {"app": "web"}})) == []


@pytest.mark.parametrize("missing", range(len(THERE)))
def test_what_a_pod_names_and_is_not_there_is_named(missing: int) -> None:
    kind, name = THERE[missing]["kind"], THERE[missing]["metadata"]["name"]
    left = [one for one in THERE if one is not THERE[missing]]
    assert messages(parsed(DEPLOYMENT), *left) == [f"names {kind}/{name}, which is not there"]


def test_a_jobs_pod_is_looked_at_too() -> None:
    pod = {"spec": {"serviceAccountName": "nobody", "containers": []}}
    job = {**named("CronJob", "night"), "spec": {"jobTemplate": {"spec": {"template": pod}}}}
    assert messages(job) == ["names ServiceAccount/nobody, which is not there"]


def test_what_may_be_missing_may() -> None:
    one = changed(DEPLOYMENT, f"{POD}.containers.0.env.0.valueFrom.configMapKeyRef.optional", value=True)
    assert messages(one, THERE[0], THERE[2]) == []


def test_a_pod_spread_over_the_pods_of_others_is_found() -> None:
    constraint = {"matchLabels": {"app": "other"}}
    one = changed(DEPLOYMENT, f"{POD}.topologySpreadConstraints.0.labelSelector", constraint)
    assert messages(one, *THERE) == ["does not select the pod it spreads"]


@pytest.mark.parametrize(
    "expression",
    [
        {"key": "app", "operator": "In", "values": ["shop"]},
        {"key": "app", "operator": "NotIn", "values": ["web"]},
        {"key": "tier", "operator": "Exists"},
        {"key": "app", "operator": "DoesNotExist"},
    ],
)
def test_a_budget_for_no_pod_is_found(expression: dict[str, Any]) -> None:
    assert messages(parsed(DEPLOYMENT), *THERE, budget({"matchExpressions": [expression]})) == ["selects no pod"]
