"""The namespace's quota has room for all that may run at once, added up from the built overlay, and bites beyond it."""

from __future__ import annotations

import copy
from collections import Counter

from tests.k8s.manifests import Manifests, Object, amount
from tests.k8s.test_availability import most_replicas

KINDS = ("requests.cpu", "requests.memory", "limits.memory")
SIDECAR = {"requests.cpu": "CPU", "requests.memory": "Memory", "limits.memory": "MemoryLimit"}
OPERATORS = 3
"""So many people may ask for an audit or for the breakers at once."""


def most_at_once(manifests: Manifests) -> Counter[str]:
    """What every pod comes to when each Deployment has all its replicas and one more, and every Job runs."""
    total: Counter[str] = Counter()
    for deployment in manifests.of("Deployment"):
        surge = deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        total += _times(most_replicas(deployment) + surge, deployment["spec"]["template"])
    for stateful in manifests.of("StatefulSet"):
        total += _times(stateful["spec"]["replicas"], stateful["spec"]["template"])
    for job in manifests.of("Job"):
        total += _times(1, job["spec"]["template"])
    for cron in manifests.of("CronJob"):
        total += _times(OPERATORS, cron["spec"]["jobTemplate"]["spec"]["template"])
    return total


def _times(count: int, pod: Object) -> Counter[str]:
    needs = {kind: count * _need(pod, kind) for kind in KINDS}
    return Counter({"pods": count, **needs})


def _need(pod: Object, kind: str) -> float:
    """What all containers of a pod need, its sidecar included."""
    side, resource = kind.split(".")
    own = sum(amount(container["resources"][side][resource]) for container in pod["spec"]["containers"])
    annotations = pod["metadata"]["annotations"]
    if annotations.get("inject.istio.io/templates") == "gateway":  # whose container is the proxy
        return own
    if pod["metadata"]["labels"].get("sidecar.istio.io/inject") == "false":
        return own
    return own + amount(annotations[f"sidecar.istio.io/proxy{SIDECAR[kind]}"])


def room(manifests: Manifests, needed: Counter[str]) -> dict[str, float]:
    """How many times the quota holds what is needed."""
    hard = manifests.named("ResourceQuota", "shop")["spec"]["hard"]
    return {kind: amount(hard[kind]) / needed[kind] for kind in ("pods", *KINDS)}


def test_the_quota_has_room_for_all_that_may_run_at_once(on_nodes: Manifests) -> None:
    assert min(room(on_nodes, most_at_once(on_nodes)).values()) >= 1.1


def test_the_quota_bites_before_a_mistake_takes_three_times_as_much(on_nodes: Manifests) -> None:
    assert max(room(on_nodes, most_at_once(on_nodes)).values()) <= 3


def test_replicas_that_no_policy_allows_do_not_fit(kind: Manifests) -> None:
    needed = most_at_once(kind)
    for deployment in kind.services():
        needed += _times(4, deployment["spec"]["template"])
    assert min(room(kind, needed).values()) < 1


def test_sidecars_count(kind: Manifests) -> None:
    without = copy.deepcopy(kind)
    for _, pod in without.pods():
        pod["metadata"]["annotations"]["inject.istio.io/templates"] = "gateway"
    assert most_at_once(without)["limits.memory"] < 0.7 * most_at_once(kind)["limits.memory"]


def test_the_quota_counts_volumes_and_balancers(on_nodes: Manifests) -> None:
    hard = on_nodes.named("ResourceQuota", "shop")["spec"]["hard"]
    templates = sum(len(one["spec"].get("volumeClaimTemplates", [])) for one in on_nodes.of("StatefulSet"))
    assert len(on_nodes.of("PersistentVolumeClaim")) + templates <= int(hard["persistentvolumeclaims"])
    balancers = [one for one in on_nodes.of("Service") if one["spec"].get("type") == "LoadBalancer"]
    assert len(balancers) <= int(hard["services.loadbalancers"])


def test_a_container_that_says_nothing_gets_less_than_a_service(on_nodes: Manifests) -> None:
    (limits,) = on_nodes.named("LimitRange", "containers")["spec"]["limits"]
    service = on_nodes.named("Deployment", "orders-v1")["spec"]["template"]["spec"]["containers"][0]["resources"]
    for resource in ("cpu", "memory"):
        assert amount(limits["defaultRequest"][resource]) < amount(service["requests"][resource])
    for _, pod in on_nodes.pods():
        for container in pod["spec"]["containers"]:
            assert amount(container["resources"]["limits"]["memory"]) <= amount(limits["max"]["memory"])
