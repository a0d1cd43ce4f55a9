"""What the operator's process says, as services/operator/lines.py writes it."""

from __future__ import annotations

import json
from typing import Any


def breaker(group: str, state: str = "closed", **given: Any) -> dict[str, Any]:
    usual = {"forced": False, "calls": 0, "failures": 0, "slow": 0, "reopens_in": None}
    return {"group": group, "state": state, **usual, **given}


def callee(name: str, *breakers: dict[str, Any], limit: int | None = None) -> dict[str, Any]:
    bulkhead = {"in_flight": 2, "limit": limit}
    return {"name": name, "breakers": breakers, "retry_budget": {"ratio": 0.1, "left": 9}, "bulkhead": bulkhead}


def state(service: str, pod: str, *callees: dict[str, Any], in_flight: int = 0) -> str:
    limit = {"in_flight": in_flight, "limit": 40}
    return json.dumps({"service": service, "version": "v1", "pod": pod, "callees": callees, "limit": limit})


def unreached(service: str, *pods: str) -> str:
    return json.dumps({"service": service, "unreached": pods, "problem": "UNAVAILABLE: no healthy upstream"})


def refused(service: str, code: str, problem: str) -> str:
    return json.dumps({"service": service, "refused": code, "problem": problem})


LOG = json.dumps({"level": "WARNING", "logger": "argosy.operator", "message": "circuit opened", "pod": "local"})

ORDERS = state(
    "orders", "orders-1", callee("payments", breaker("charge"), breaker("refund"), limit=64), callee("attic")
)
CATALOG = state("catalog", "catalog-1", in_flight=3)
