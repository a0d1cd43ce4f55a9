"""Nodes are drained and load comes and goes without anybody noticing: who may take pods away, and who adds them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from mesh.policy.graph import Graph
from mesh.policy.reading import read
from tests.k8s.manifests import K8S, Manifests, Object

MOST_REPLICAS = {name: service.replicas[1] for name, service in Graph(read(K8S.parent)).services.items()}

FEWEST = 2


def fixed(deployment: Object) -> bool:
    """Whether its work does not grow with the load: nothing scales it."""
    return bool(deployment["metadata"]["name"] == "canary-watchdog")


def selected_by(budget: Object, deployment: Object) -> bool:
    wanted = budget["spec"]["selector"]["matchLabels"].items()
    return bool(wanted <= deployment["spec"]["template"]["metadata"]["labels"].items())


def draining_problems(manifests: Manifests) -> list[str]:
    """Deployments that a drain could take down whole, or that could hold a drain up for ever."""
    problems = []
    for deployment in manifests.of("Deployment"):
        name = deployment["metadata"]["name"]
        budgets = [one["spec"] for one in manifests.of("PodDisruptionBudget") if selected_by(one, deployment)]
        if len(budgets) != 1:
            problems.append(f"{name} has {len(budgets)} budgets")
        problems += [f"{name} may lose more than a pod" for budget in budgets if budget.get("maxUnavailable") != 1]
        problems += [
            f"{name}, when broken, holds up a drain"
            for budget in budgets
            if budget.get("unhealthyPodEvictionPolicy") != "AlwaysAllow"
        ]
    return problems


def scaling_problems(manifests: Manifests) -> list[str]:
    """Deployments with too few pods, without an end, or scaled by something that nobody measures."""
    problems = []
    for deployment in manifests.of("Deployment"):
        name = deployment["metadata"]["name"]
        if fixed(deployment):
            problems += [] if most_replicas(deployment) == FEWEST else [f"{name} has not {FEWEST} pods"]
            continue
        scalers = [
            one["spec"]
            for one in manifests.of("HorizontalPodAutoscaler")
            if one["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        ]
        if len(scalers) != 1:
            problems.append(f"{name} has {len(scalers)} autoscalers")
            continue
        (scaler,) = scalers
        (metric,) = scaler["metrics"]
        containers = {container["name"] for container in deployment["spec"]["template"]["spec"]["containers"]}
        if metric["containerResource"]["container"] not in containers:
            problems.append(f"{name} is scaled by a container that it does not have")
        if "replicas" in deployment["spec"]:
            problems.append(f"{name} is set back to its number by everybody who applies")
        if (scaler["minReplicas"], scaler["maxReplicas"]) != (FEWEST, most_replicas(deployment)):
            problems.append(f"{name} scales otherwise than its policy says")
    return problems


def most_replicas(deployment: Object) -> int:
    """What a service's policy allows; the gateway, which has none, as many as those behind it; a fixed number else."""
    if fixed(deployment):
        return int(deployment["spec"]["replicas"])
    return MOST_REPLICAS.get(deployment["metadata"]["labels"]["app"], max(MOST_REPLICAS.values()))


def changed(manifests: Manifests, kind: str, change: Callable[[Object], object]) -> Manifests:
    """`manifests` with the first object of `kind` changed."""
    objects = copy.deepcopy(manifests.objects)
    change(next(one for one in objects if one["kind"] == kind))
    return Manifests("", objects)


def test_a_drain_takes_one_pod_of_a_service_at_a_time_and_is_never_held_up(on_nodes: Manifests) -> None:
    assert draining_problems(on_nodes) == []


@pytest.mark.parametrize(
    "expose",
    [
        lambda budget: budget["spec"]["selector"]["matchLabels"].update(app="nobody"),
        lambda budget: budget["spec"].update(maxUnavailable="50%"),
        lambda budget: budget["spec"].pop("unhealthyPodEvictionPolicy"),
    ],
)
def test_a_service_exposed_to_drains_is_found(on_nodes: Manifests, expose: Callable[[Object], object]) -> None:
    assert draining_problems(changed(on_nodes, "PodDisruptionBudget", expose)) != []


def test_in_production_there_are_two_pods_of_everything_and_as_many_as_policies_allow(production: Manifests) -> None:
    assert scaling_problems(production) == []


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("HorizontalPodAutoscaler", lambda one: one["spec"].update(minReplicas=1)),
        ("HorizontalPodAutoscaler", lambda one: one["spec"].update(maxReplicas=9)),
        ("HorizontalPodAutoscaler", lambda one: one["spec"]["scaleTargetRef"].update(name="catalog")),
        (
            "HorizontalPodAutoscaler",
            lambda one: one["spec"]["metrics"][0]["containerResource"].update(container="istio-proxies"),
        ),
        ("Deployment", lambda one: one["spec"].update(replicas=1)),
    ],
)
def test_a_deployment_that_does_not_scale_as_it_should_is_found(
    production: Manifests, kind: str, spoil: Callable[[Object], object]
) -> None:
    assert scaling_problems(changed(production, kind, spoil)) != []


def test_load_is_met_at_once_and_pods_go_one_by_one(production: Manifests) -> None:
    for scaler in production.of("HorizontalPodAutoscaler"):
        behavior = scaler["spec"]["behavior"]
        assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
        assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 300
        assert [each["value"] for each in behavior["scaleDown"]["policies"]] == [1]
