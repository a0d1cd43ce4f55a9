"""How do a block and a verdict stand in the journal? Short, and so that they can be read back exactly."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mesh.canary.judge.counts import BOUNDS, Block, Counts, Histogram
from mesh.canary.judge.verdict import Arm, Evidence, Outcome, Verdict

_DIGITS = 6  # of an e-value or a latency; nobody decides on the seventh


def block_facts(block: Block, raw_sha256: str = "") -> dict[str, Any]:
    """The facts of a `block` entry."""
    when = {"at": round(block.at, 3), "seconds": round(block.seconds, 3), "step": block.step, "weight": block.weight}
    return when | {"baseline": _counts_facts(block.baseline), "canary": _counts_facts(block.canary), "raw": raw_sha256}


def block_of(facts: Mapping[str, Any]) -> Block:
    """The block of a `block` entry."""
    return Block(
        *(facts["at"], facts["seconds"], facts["step"], facts["weight"]),
        baseline=_counts_of(facts["baseline"]),
        canary=_counts_of(facts["canary"]),
    )


def verdict_facts(step: int, verdict: Verdict) -> dict[str, Any]:
    """The facts of a `judged` entry."""
    evidence = {name: _rounded(value) for name, value in asdict(verdict.evidence).items()}
    said = {"outcome": verdict.outcome, "reason": verdict.reason, "kill": verdict.kill}
    return {"step": step, **said, "evidence": evidence}


def verdict_of(facts: Mapping[str, Any]) -> Verdict:
    """The verdict of a `judged` entry, its numbers rounded."""
    evidence = dict(facts["evidence"])
    baseline, canary = Arm(**evidence.pop("baseline")), Arm(**evidence.pop("canary"))
    return Verdict(Outcome(facts["outcome"]), facts["reason"], facts["kill"], Evidence(baseline, canary, **evidence))


def _counts_facts(counts: Counts) -> dict[str, Any]:
    latency = {str(place): count for place, count in enumerate(counts.latency.counts) if count}
    statuses = {name: count for name, count in counts.statuses.items() if count}
    return {"requests": counts.requests, "errors": counts.errors, "statuses": statuses, "latency": latency}


def _counts_of(facts: Mapping[str, Any]) -> Counts:
    latency = Histogram(tuple(facts["latency"].get(str(place), 0) for place in range(len(BOUNDS) + 1)))
    return Counts(facts["requests"], facts["errors"], facts["statuses"], latency)


def _rounded(value: Any) -> Any:
    """Without the digits nobody needs; JSON knows no infinity, the largest float stands for it."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, float):
        return float(f"{max(-sys.float_info.max, min(value, sys.float_info.max)):.{_DIGITS}g}")
    return value
