"""What does a program read of a run? One JSON document."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from loadtest.gate import Check
from loadtest.histogram import Histogram
from loadtest.look.ran import Ran
from loadtest.machine import machine
from loadtest.summary import as_json


def document(ran: Ran) -> dict[str, Any]:
    """Everything but the plots; latencies in milliseconds, rates per second."""
    judgement, punctuality = ran.judgement, ran.seen.punctuality
    return {
        "outcome": judgement.outcome.value,
        "invalid": list(judgement.invalid),
        "checks": [_check(check) for check in judgement.checks],
        "unpromised": list(judgement.unpromised),
        "began": datetime.fromtimestamp(ran.began, UTC).isoformat(timespec="seconds"),
        "plan": asdict(ran.plan),
        "machine": machine(),
        "generator": {
            "achieved": round(punctuality.achieved, 4),
            "due": punctuality.due,
            "dropped": punctuality.dropped,
            "late_ms": _quantiles(punctuality.lateness),
            "lag_ms": _quantiles(punctuality.lag),
            "busiest_core": round(ran.seen.busiest, 3),
        },
        "reconciled": [asdict(one) for one in ran.comparison] or ran.uncompared,
        **as_json(ran.seen.tally, ran.plan.seconds),
        "latency": ran.seen.tally.latency().encoded(),  # an HdrHistogram of microseconds, for tools that compare
    }


def _check(check: Check) -> dict[str, Any]:
    return asdict(check) | {"judged": check.judged, "holds": check.holds, "budget_used": check.budget_used}


def _quantiles(seen: Histogram) -> dict[str, float]:
    if not seen.count:
        return {}
    found = {"p50": seen.quantile(0.5), "p99": seen.quantile(0.99), "max": seen.longest}
    return {name: round(1000 * seconds, 3) for name, seconds in found.items()}
