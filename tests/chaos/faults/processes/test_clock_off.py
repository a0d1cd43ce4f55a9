"""The pod whose clock is off is like the others for every Service, and nobody's but the run's for Deployments."""

from __future__ import annotations

from typing import Any

from mesh.chaos.faults.processes.clock_off import ClockOff
from tests.chaos.faults.processes.scripted_pods import LABELS, RUN

LIKE: dict[str, Any] = {
    "metadata": {"name": "catalog-v1", "namespace": "shop", "labels": LABELS, "resourceVersion": "7", "uid": "u"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS, "annotations": {"kept": "yes"}},
            "spec": {"containers": [{"name": "catalog", "env": [{"name": "A", "value": "1"}]}, {"name": "other"}]},
        },
    },
}


def test_only_the_services_own_container_has_another_clock() -> None:
    made = ClockOff("catalog-v1", seconds=-300).manifest(LIKE, "catalog-v1-clock-off", RUN)
    service, other = made["spec"]["template"]["spec"]["containers"]
    assert service["env"] == [{"name": "A", "value": "1"}, {"name": "CLOCK_OFF_BY_SECONDS", "value": "-300"}]
    assert other == {"name": "other"}


def test_services_select_the_pod_and_the_runs_deployment_selects_no_other() -> None:
    made = ClockOff("catalog-v1", seconds=300).manifest(LIKE, "catalog-v1-clock-off", RUN)
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels.items() >= LABELS.items()
    assert made["spec"]["selector"]["matchLabels"] == labels == {**LABELS, "argosy/chaos": RUN}
    assert made["metadata"]["labels"]["argosy/chaos"] == RUN
    assert made["spec"]["replicas"] == 1


def test_nothing_is_taken_along_that_only_the_api_server_may_write() -> None:
    made = ClockOff("catalog-v1", seconds=300).manifest(LIKE, "catalog-v1-clock-off", RUN)
    assert made["metadata"].keys() == {"name", "namespace", "labels"}
    assert LIKE["spec"]["template"]["metadata"]["labels"] == LABELS
