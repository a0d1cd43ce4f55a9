"""May a canary of this service start? Decided from what was seen, and said with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mesh.canary.act.lease import Holding
from mesh.canary.act.pods import Pods
from mesh.canary.act.route import ALL, HEADER_RULE, Route, spelled
from mesh.canary.measure.difference import Delta, NoData

CLOCKS_AGREE = 5.0  # seconds; a block is as long
INCIDENT = 0.05  # of the stable version's requests: with so many errors it is being worked on, not released over
_INCIDENT_ERRORS = 10  # fewer say nothing about a share


class Level(StrEnum):
    """How bad a finding is."""

    GOOD = "good"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: which, how it is, and what to do about it."""

    what: str
    level: Level
    says: str


@dataclass(frozen=True)
class Facts:
    """What was seen of a service before its canary."""

    baseline: str
    canary: str
    route: Route
    destination_rule: Mapping[str, Any] | None
    pods: Mapping[str, Pods]
    holding: Holding | None
    reverted: str | None
    """Who would set the weights back."""
    clock_ahead: float
    """Seconds by which the cluster's clock is ahead of this machine's."""
    seen: Delta | NoData
    """What the callers' sidecars have counted meanwhile."""


def findings(facts: Facts) -> list[Finding]:
    """Everything that must hold before the first percent moves; a canary starts when none is REFUSED."""
    return [
        _lock(facts.holding),
        _route(facts),
        _subsets(facts),
        *(_pods(version, facts.pods[version], canary=version == facts.canary) for version in _versions(facts)),
        *_ejection(facts),
        *_retry_budgets(facts),
        _managed(facts.reverted),
        _clock(facts.clock_ahead),
        _measured(facts.seen),
        *_incident(facts),
    ]


def _lock(holding: Holding | None) -> Finding:
    if holding is None or holding.free:
        return Finding("lock", Level.GOOD, "nobody runs a canary of it")
    return Finding("lock", Level.REFUSED, f"{holding.holder} runs a canary of it, for {holding.left:.0f} s at least")


def _route(facts: Facts) -> Finding:
    route, wanted = facts.route, {facts.baseline: ALL}
    moving = {version: weight for version, weight in route.weights.items() if weight}
    if moving != wanted:
        return Finding("route", Level.REFUSED, f"it begins where {facts.baseline} has all, not at {spelled(moving)}")
    if route.header_rule:
        left = f"a rule {HEADER_RULE} to {route.header_rule} is left of another run: it is replaced"
        return Finding("route", Level.WARNING, left)
    return Finding("route", Level.GOOD, f"one rule primary, {spelled(route.weights)}")


def _subsets(facts: Facts) -> Finding:
    declared = _declared(facts)
    if missing := [version for version in _versions(facts) if version not in declared]:
        says = f"DestinationRule {facts.route.service} has no subset {' and '.join(missing)}: calls to it would be 503"
        return Finding("subsets", Level.REFUSED, says)
    return Finding("subsets", Level.GOOD, " and ".join(_versions(facts)))


def _pods(version: str, pods: Pods, *, canary: bool) -> Finding:
    what = f"pods of {version}"
    if pods.troubles:
        return Finding(what, Level.REFUSED, "; ".join(pods.troubles))
    if not pods.ready:
        return Finding(what, Level.REFUSED, "none is ready")
    if pods.rolling_out:
        says = f"{', '.join(pods.rolling_out)} is being rolled out: two builds are one version until that is done"
        return Finding(what, Level.REFUSED, says)
    if canary and pods.ready == 1:
        return Finding(what, Level.WARNING, "1 is ready: when it restarts there is no canary; 2 are better")
    return Finding(what, Level.GOOD, f"{pods.ready} ready")


def _ejection(facts: Facts) -> Iterator[Finding]:
    """Outlier detection that takes every pod of the canary away hides its errors, and its requests fail."""
    for version in _versions(facts):
        most = _policy(facts, version).get("outlierDetection", {}).get("maxEjectionPercent", 0)
        if most >= ALL:
            says = f"maxEjectionPercent {most} may take every pod of {version} out of service: 50 leaves one"
            yield Finding("ejection", Level.WARNING, says)


def _retry_budgets(facts: Facts) -> Iterator[Finding]:
    """Istio has lost the host's retry budget where a route names a subset."""
    subsets = _declared(facts)
    top = ((facts.destination_rule or {}).get("spec") or {}).get("trafficPolicy") or {}
    for version in _versions(facts):
        own = subsets.get(version, {}).get("trafficPolicy") or {}
        if version in subsets and "retryBudget" in top and "retryBudget" not in own:
            says = f"subset {version} states none of its own, and Istio may not pass the host's on (istio#59667)"
            yield Finding("retry budget", Level.WARNING, says)


def _managed(reverted: str | None) -> Finding:
    if reverted:
        return Finding("managed", Level.REFUSED, reverted)
    return Finding("managed", Level.GOOD, "no controller sets the weights back")


def _clock(ahead: float) -> Finding:
    if abs(ahead) <= CLOCKS_AGREE:
        return Finding("clock", Level.GOOD, "this machine's and the cluster's agree")
    which = "behind" if ahead > 0 else "ahead of"
    says = f"this machine's is {abs(ahead):.0f} s {which} the cluster's: the times in the journal will be, too"
    return Finding("clock", Level.WARNING, says)


def _measured(seen: Delta | NoData) -> Finding:
    if isinstance(seen, NoData):
        return Finding("measured", Level.REFUSED, seen.why)
    if seen.left_out:
        return Finding("measured", Level.WARNING, f"not counted: {'; '.join(seen.left_out)}")
    return Finding("measured", Level.GOOD, "the sidecars of all callers answer")


def _incident(facts: Facts) -> Iterator[Finding]:
    """Whether the stable version is itself healthy: nobody releases into an incident."""
    if isinstance(facts.seen, NoData):
        return
    stable, what = facts.seen.versions[facts.baseline], f"health of {facts.baseline}"
    if not stable.requests:
        says = f"no request in {facts.seen.seconds:.0f} s: without traffic there is never enough evidence"
        yield Finding(what, Level.WARNING, says)
    elif stable.errors >= _INCIDENT_ERRORS and stable.errors >= INCIDENT * stable.requests:
        says = f"{stable.errors} of {stable.requests} requests fail: end the incident first"
        yield Finding(what, Level.REFUSED, says)
    else:
        yield Finding(what, Level.GOOD, f"{stable.errors} of {stable.requests} requests failed")


def _versions(facts: Facts) -> Sequence[str]:
    return facts.baseline, facts.canary


def _declared(facts: Facts) -> dict[str, Mapping[str, Any]]:
    subsets = ((facts.destination_rule or {}).get("spec") or {}).get("subsets") or ()
    return {subset["name"]: subset for subset in subsets}


def _policy(facts: Facts, version: str) -> dict[str, Any]:
    top = ((facts.destination_rule or {}).get("spec") or {}).get("trafficPolicy") or {}
    return {**top, **(_declared(facts).get(version, {}).get("trafficPolicy") or {})}
