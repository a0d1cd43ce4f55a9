"""What does the operator's process say? One JSON object a line, for `argosy breakers` and other programs."""

from __future__ import annotations

from typing import Any

from argosy.resilience.v1 import resilience_admin_pb2 as pb

from services.operator.reaching import Refused, RollCall


def state(of: pb.State) -> dict[str, Any]:
    """A pod's protections; what has no bound is null. Seconds are numbers."""
    return {
        "service": of.service,
        "version": of.version,
        "pod": of.pod,
        "callees": [_callee(callee) for callee in of.callees],
        "limit": {"in_flight": of.limit.in_flight, "limit": of.limit.limit},
    }


def gone(service: str, pod: str) -> dict[str, Any]:
    """A pod that was watched and is no more."""
    return {"service": service, "pod": pod, "gone": True}


def unreached(roll: RollCall) -> dict[str, Any]:
    """Who has not answered, and why."""
    return {"service": roll.service, "unreached": list(roll.missing), "problem": roll.problem}


def refused(why: Refused) -> dict[str, Any]:
    """What somebody answered instead of doing it."""
    return {"service": why.service, "refused": why.code.name, "problem": why.details}


def _callee(callee: pb.Callee) -> dict[str, Any]:
    budget, bulkhead = callee.retry_budget, callee.bulkhead
    return {
        "name": callee.name,
        "breakers": [_breaker(breaker) for breaker in callee.breakers],
        "retry_budget": {"ratio": budget.ratio, "left": budget.left},
        "bulkhead": {"in_flight": bulkhead.in_flight, "limit": bulkhead.limit or None},
    }


def _breaker(breaker: pb.Breaker) -> dict[str, Any]:
    return {
        "group": breaker.group,
        "state": pb.CircuitState.Name(breaker.state).removeprefix("CIRCUIT_STATE_").lower().replace("_", "-"),
        "forced": breaker.forced,
        "calls": breaker.calls,
        "failures": breaker.failures,
        "slow": breaker.slow,
        "reopens_in": breaker.reopens_in.ToMilliseconds() / 1000 if breaker.HasField("reopens_in") else None,
    }
