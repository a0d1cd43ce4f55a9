"""Readings as tests write them down."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mesh.canary.measure.counters import Counters
from mesh.canary.measure.source import Caller, Reading

ORDERS = Caller("orders-1", "process://7-700", began=10.0)
GATEWAY = Caller("gateway-1", "process://8-800", began=10.0)


def counted(
    ok: int = 0, *, unavailable: int = 0, not_found: int = 0, hidden: int = 0, given_up: int = 0, slow: int = 0
) -> Counters:
    """One version at one sidecar: calls of 4 ms, and `slow` ones of them that took 80 ms."""
    given = {"OK": ok, "UNAVAILABLE": unavailable, "NOT_FOUND": not_found}
    total = sum(given.values())
    latency = {5.0: total - slow, 50.0: total - slow, 100.0: total, math.inf: total}
    return Counters({name: number for name, number in given.items() if number}, hidden, given_up, latency)


def reading(at: float, pods: Mapping[Caller, Mapping[str, Counters]], *missing: str) -> Reading:
    return Reading(at, pods, missing, raw_sha256="")
