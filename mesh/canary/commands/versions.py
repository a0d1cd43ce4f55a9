"""Which two versions does a canary compare, when the operator has not said it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mesh.canary.act.route import ALL, spelled
from mesh.canary.problems import Refused


class Ambiguous(Refused):
    """The route does not say which versions are meant; the message says what to type."""


@dataclass(frozen=True)
class Versions:
    """The version that has the traffic, and the one that is to get it."""

    baseline: str
    canary: str


def versions(service: str, weights: Mapping[str, int], baseline: str = "", canary: str = "") -> Versions:
    """Those that are named, else those that the route's weights leave no doubt about. Raises Ambiguous."""
    routed = f"its route has {spelled(weights)}"
    if not baseline:
        full = [version for version, weight in weights.items() if weight == ALL]
        if not full:
            raise Ambiguous(f"no version of {service} has all the traffic: {routed}. Say which is the baseline: --from")
        baseline = full[0]
    if not canary:
        others = [version for version in weights if version != baseline]
        if len(others) != 1:
            raise Ambiguous(f"{service} has {len(others)} versions that could be the canary: {routed}. Say which: --to")
        canary = others[0]
    if baseline == canary:
        raise Ambiguous(f"{service} cannot be compared with itself: baseline and canary are both {canary}")
    return Versions(baseline, canary)
