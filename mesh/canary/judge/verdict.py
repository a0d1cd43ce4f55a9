"""Is the canary better or equal, worse, or is there not enough evidence?

WORSE when both e-values of errors, both of refusals, or both of slow requests are large enough. That over requests must
reach 3 / alpha, for three questions are asked: with independent requests a canary that is no worse is then called worse
with a chance of at most alpha, however often one looks. That over blocks must reach 1 / alpha as well: it holds when
errors come in bursts no longer than a block. A refusal (NOT_FOUND, RESOURCE_EXHAUSTED, ...) says nothing against a
version that refuses no more than the other. BETTER_OR_EQUAL when more bad requests than are tolerated have been ruled
out (1 / beta), with the minimum of samples and time. All else is NOT_ENOUGH, and that is never promotion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mesh.canary.judge import error_evidence, kill_switch
from mesh.canary.judge.counts import Block, Histogram
from mesh.canary.judge.weighing import QUESTIONS, Stratum, Weighed, e_values, weigh
from mesh.canary.plan import Rules, Step


class Outcome(StrEnum):
    BETTER_OR_EQUAL = "better-or-equal"
    WORSE = "worse"
    NOT_ENOUGH = "not enough evidence"


@dataclass(frozen=True, slots=True)
class Arm:
    """What one version has done in this step."""

    requests: int
    errors: int
    refused: int
    ratio: float
    low: float  # 95 % interval of the ratio (Wilson)
    high: float
    p50: float  # milliseconds
    p99: float

    @classmethod
    def of(cls, errors: int, refused: int, requests: int, latency: Histogram) -> Arm:
        interval = wilson(errors, requests)
        p50, p99 = latency.quantile(0.5), latency.quantile(0.99)
        return cls(requests, errors, refused, errors / max(1, requests), *interval, p50, p99)

    def __str__(self) -> str:
        return f"{self.ratio:.2%} of {self.requests}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict rests on. An e-value is the factor by which the data speak against "no worse"."""

    baseline: Arm
    canary: Arm
    errors: float  # e-value over requests: has the canary more errors than its share?
    errors_by_block: float  # over blocks: in how many? A burst counts once
    refused: float  # the same two for requests answered with no
    refused_by_block: float
    slow: float  # and for requests slower than the baseline's
    slow_by_block: float
    threshold: float  # for WORSE, of `errors`, `refused` or `slow`
    threshold_by_block: float  # and of the same `_by_block`
    equal_errors: float  # how much likelier the data are if the canary is as good than if it had the excess
    equal_refused: float
    equal_slow: float
    threshold_equal: float  # for BETTER_OR_EQUAL, of all three
    excess_errors: float  # what this step must rule out, as a share of the canary's requests
    excess_refused: float
    excess_slow: float


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str
    kill: bool
    evidence: Evidence


def judge(blocks: Sequence[Block], rules: Rules, step: Step) -> Verdict:
    """What to think of the canary after `blocks`: all that were judged in this run, the current step's last."""
    return conclude(weigh(blocks, rules.slower), rules, step)


def conclude(weighed: Weighed, rules: Rules, step: Step) -> Verdict:
    """The same, of blocks that are weighed already."""
    now = weighed.strata[-1] if weighed.strata else Stratum(step=0)
    evidence = _evidence(weighed, now, rules, step)
    if kill_switch.tripped([one.errors for one in weighed.strata], rules.kill_switch):
        return Verdict(Outcome.WORSE, f"kill switch: {_told(evidence)}", kill=True, evidence=evidence)
    if reason := _worse(evidence):
        return Verdict(Outcome.WORSE, reason, kill=False, evidence=evidence)
    if reason := _too_little(now, rules, step) or _not_ruled_out(evidence, rules):
        return Verdict(Outcome.NOT_ENOUGH, reason, kill=False, evidence=evidence)
    return Verdict(Outcome.BETTER_OR_EQUAL, _told(evidence), kill=False, evidence=evidence)


def wilson(errors: int, requests: int) -> tuple[float, float]:
    """The 95 % interval of a ratio; all there is when there were no requests."""
    if not requests:
        return 0.0, 1.0
    z, ratio = 1.96, errors / requests
    middle = ratio + z * z / (2 * requests)
    half = z * math.sqrt(ratio * (1 - ratio) / requests + (z / (2 * requests)) ** 2)
    return max(0.0, (middle - half) / (1 + z * z / requests)), min(1.0, (middle + half) / (1 + z * z / requests))


def _evidence(weighed: Weighed, now: Stratum, rules: Rules, step: Step) -> Evidence:
    errors, errors_by_block = e_values([weighed.errors])
    refused, refused_by_block = e_values([weighed.refused])
    slow, slow_by_block = e_values(weighed.slow)
    excess_errors, excess_refused, excess_slow = rules.excess(step)
    return Evidence(
        baseline=Arm.of(int(now.errors.baseline), int(now.refused.baseline), now.errors.baseline_of, now.baseline),
        canary=Arm.of(int(now.errors.canary), int(now.refused.canary), now.errors.canary_of, now.canary),
        errors=errors,
        errors_by_block=errors_by_block,
        refused=refused,
        refused_by_block=refused_by_block,
        slow=slow,
        slow_by_block=slow_by_block,
        threshold=QUESTIONS / rules.alpha,
        threshold_by_block=1 / rules.alpha,
        equal_errors=error_evidence.equality((one.errors for one in weighed.strata), excess_errors),
        equal_refused=error_evidence.equality((one.refused for one in weighed.strata), excess_refused),
        equal_slow=error_evidence.equality((one.slow for one in weighed.strata), excess_slow),
        threshold_equal=1 / rules.beta,
        excess_errors=excess_errors,
        excess_refused=excess_refused,
        excess_slow=excess_slow,
    )


def _worse(evidence: Evidence) -> str:
    """Why it is worse; empty when that is not shown."""
    for what, value, by_block in (
        ("more errors", evidence.errors, evidence.errors_by_block),
        ("more refusals", evidence.refused, evidence.refused_by_block),
        ("slower", evidence.slow, evidence.slow_by_block),
    ):
        if value >= evidence.threshold and by_block >= evidence.threshold_by_block:
            return (
                f"{what}: e-value {value:.3g} over requests (of {evidence.threshold:.0f}),"
                f" {by_block:.3g} over blocks (of {evidence.threshold_by_block:.0f}); {_told(evidence)}"
            )
    return ""


def _too_little(now: Stratum, rules: Rules, step: Step) -> str:
    """What of the step has not been seen for long enough; empty when all has."""
    counted = min(now.errors.canary_of, now.errors.baseline_of)
    timed = min(now.canary.total, now.baseline.total)  # sidecars tell latencies later than counts
    for what, seen, least in (
        ("requests", counted, rules.minimum_samples),
        ("latencies", timed, rules.minimum_samples),
        ("seconds", now.seconds, step.at_least),
    ):
        if seen < least:
            return f"{seen:.0f} of {least:.0f} {what}"
    return ""


def _not_ruled_out(evidence: Evidence, rules: Rules) -> str:
    """Why the versions cannot be called equal; empty when they can."""
    if evidence.baseline.ratio >= rules.incident:
        return f"an incident: {evidence.baseline.ratio:.2%} of the baseline's own requests fail"
    for what, value, excess in (
        ("errors", evidence.equal_errors, evidence.excess_errors),
        ("refusals", evidence.equal_refused, evidence.excess_refused),
        ("slow requests", evidence.equal_slow, evidence.excess_slow),
    ):
        if value < evidence.threshold_equal:
            return f"{excess:.2%} more {what} not yet ruled out: {value:.2g} of {evidence.threshold_equal:.0f}"
    if max(evidence.errors, evidence.refused, evidence.slow) >= evidence.threshold:
        return "worse over requests but not over blocks: a burst, or a few bad blocks"
    return ""


def _told(evidence: Evidence) -> str:
    canary, baseline = evidence.canary, evidence.baseline
    refused = f" refused {canary.refused} ({baseline.refused})," if canary.refused or baseline.refused else ""
    return (
        f"errors {canary} (baseline {baseline}),{refused} p50 {canary.p50:.3g} ms ({baseline.p50:.3g}),"
        f" p99 {canary.p99:.3g} ms ({baseline.p99:.3g})"
    )
