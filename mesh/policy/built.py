"""What do built manifests do to retries and faults? Refusals over the objects of one overlay; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from mesh.policy.lint import Finding

Object: TypeAlias = Mapping[str, Any]


def lint_objects(overlay: str, objects: Sequence[Object]) -> list[Finding]:
    """What is refused in an overlay, whatever its objects were made from."""
    virtual = [one for one in objects if one["kind"] == "VirtualService"]
    destinations = [one for one in objects if one["kind"] == "DestinationRule"]
    return [
        *(Finding("fault-and-retry", overlay, problem) for problem in faults_beside_retries(virtual)),
        *(
            Finding("retries-without-budget", overlay, problem)
            for problem in retries_without_budget(virtual, destinations)
        ),
        *(Finding("no-failover", overlay, problem) for problem in zones_that_are_never_left(destinations)),
        *(Finding("no-warm-up", overlay, problem) for problem in warm_ups_that_are_ignored(destinations)),
    ]


def faults_beside_retries(virtual_services: Sequence[Object]) -> Iterator[str]:
    """The fault comes before the router, so the retries never see it: such a test tests nothing (rule 29, istio#13705).

    A route inherits what the one that delegates to it says and it does not (istio: model/virtualservice.go).
    """
    for name, inherited, rule in effective_rules(virtual_services):
        retries = rule.get("retries", inherited.get("retries"))
        if ("fault" in rule or "fault" in inherited) and repeats(retries):
            yield f"VirtualService {name}: route {rule.get('name', '')!r} has a fault and retries"


def retries_without_budget(virtual_services: Sequence[Object], destinations: Sequence[Object]) -> Iterator[str]:
    """Istio bounds retries by 2^32-1, and has lost a host's budget at subsets (istio#59667): each states its own."""
    for host in sorted(set(_repeated_hosts(virtual_services))):
        rules = [rule for rule in destinations if rule["spec"]["host"] == host]
        if not rules:
            yield f"{host} is retried and has no DestinationRule"
        for rule in rules:
            subsets = {f" subset {one['name']}": one for one in rule["spec"].get("subsets", [])}
            for part, policy in {"": rule["spec"], **subsets}.items():
                if not policy.get("trafficPolicy", {}).get("retryBudget", {}).get("percent"):
                    yield f"DestinationRule {rule['metadata']['name']}{part} is retried without a budget"


def zones_that_are_never_left(destinations: Sequence[Object]) -> Iterator[str]:
    """Only pods that are ejected make room for those of another zone: without it, a sick zone keeps its calls."""
    for name, policy in _policies(destinations):
        if policy.get("loadBalancer", {}).get("localityLbSetting", {}).get("enabled") and not _ejects(policy):
            yield f"DestinationRule {name} prefers the caller's zone and ejects nobody from it"


def warm_ups_that_are_ignored(destinations: Sequence[Object]) -> Iterator[str]:
    """Istio hands a warm-up on only to these two (istio: core/cluster_traffic_policy.go)."""
    for name, policy in _policies(destinations):
        balancer = policy.get("loadBalancer", {})
        if "warmup" in balancer and balancer.get("simple") not in {"LEAST_REQUEST", "ROUND_ROBIN"}:
            yield f"DestinationRule {name} warms pods up, and balances neither by LEAST_REQUEST nor by ROUND_ROBIN"


def _policies(destinations: Sequence[Object]) -> Iterator[tuple[str, Object]]:
    """The traffic policy of every host, and of every subset as it comes to with what it inherits."""
    for rule in destinations:
        name, own = rule["metadata"]["name"], rule["spec"].get("trafficPolicy", {})
        yield name, own
        for subset in rule["spec"].get("subsets", []):
            yield f"{name} subset {subset['name']}", own | subset.get("trafficPolicy", {})


def _ejects(policy: Object) -> bool:
    return bool(policy.get("outlierDetection", {}).get("maxEjectionPercent", 0))


def effective_rules(virtual_services: Sequence[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Every route to pods: its VirtualService's name, the route that delegates to it (or nothing), the route itself."""
    for one in virtual_services:
        name = one["metadata"]["name"]
        above = [rule for other in virtual_services for rule in _rules(other) if _delegate(rule) == name]
        for rule in _rules(one):
            if not _delegate(rule):
                yield from ((name, inherited, rule) for inherited in above or [{}])


def _rules(virtual_service: Object) -> Sequence[Object]:
    rules: Sequence[Object] = virtual_service["spec"].get("http", [])
    return rules


def _delegate(rule: Object) -> str:
    return str(rule.get("delegate", {}).get("name", ""))


def repeats(retries: Object | None) -> bool:
    """Whether the mesh may send a call again; without a word from us Istio does, twice."""
    return retries is None or retries.get("attempts", 0) > 0


def _repeated_hosts(virtual_services: Sequence[Object]) -> Iterator[str]:
    for _, inherited, rule in effective_rules(virtual_services):
        if repeats(rule.get("retries", inherited.get("retries"))):
            yield from (route["destination"]["host"] for route in rule.get("route", []))
