"""What do the numbers of a hypothesis mean? Each from what was observed, with what it was made from. Pure.

STREAM.calls            that were due, sent or not
STREAM.answered_share   answered, or refused as deserved
STREAM.failed           the others, and those that could not be sent
STREAM.failed_share     of the calls
STREAM.degraded_share   of the calls: answered without a part, or with what was known before
STREAM.p50_ms  .p99_ms  latency of all calls from when they were due, failed ones included
STREAM.p99_ratio        against the steady state's
served.SERVICE.tries    that reached the service's servers
served.SERVICE.errors   of them, ended in a status that is no answer; .error_share of the tries
served.SERVICE.late_share  of the tries: begun, and not done when their time was over
served.SERVICE.rejected tries that its callers' open circuits and bulkheads kept off the wire
served.SERVICE.p99_ms   at its servers; .p99_ratio against the steady state's
recovery_seconds        from the removal (of what just happens: from then) until the last failed call was due
detect_seconds          from the injection until a breaker opens, a host is ejected or a pod is not Ready
eject_seconds           from the injection until a host is ejected
amplification           tries at the targets for each call of a customer, against the steady state's

Streams are orders, browsing and pages. The three in seconds are about the whole run, whatever phase is named.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grpc import StatusCode

from loadtest.outcome import KINDS, Kind
from loadtest.report import Report
from mesh.chaos.experiment import Phase
from mesh.chaos.observed import Event, Happened, Observed, Served

Z = 1.96  # of a 95 % interval
CLEAN_SECONDS = 2.0  # without a failed call, and the shop is well again
NOT_ANSWERED = {code.name for code, kind in KINDS.items() if kind in {Kind.UNAVAILABLE, Kind.BROKEN}} | {"injected"}
"""Statuses of a try that are no answer; `injected` is what a sidecar answered itself because a fault was there."""


@dataclass(frozen=True)
class Measured:
    """A metric's value; None with samples: it never happened; without samples: there was nothing to measure."""

    value: float | None
    samples: int
    interval: tuple[float, float] | None = None  # 95 %, of a share


NOTHING = Measured(None, 0)


def measured(metric: str, phase: Phase, seen: Observed, targets: Sequence[str] = ()) -> Measured:
    """One metric of mesh.chaos.experiment.METRIC in one phase; `targets` are the sick services."""
    match metric.split("."):
        case ["recovery_seconds"]:
            return recovery(seen)
        case ["detect_seconds"]:
            return detection(seen)
        case ["eject_seconds"]:
            return _first(seen, (Happened.EJECTION,))
        case ["amplification"]:
            return amplification(seen, phase, targets)
        case ["served", service, what]:
            return _of_servers(what, served(seen, phase, service), served(seen, Phase.STEADY, service))
        case [stream, what]:
            return _of_stream(what, part(seen, stream, phase), part(seen, stream, Phase.STEADY))
    raise ValueError(f"there is no metric {metric}")


def part(seen: Observed, stream: str, phase: Phase) -> Report:
    """The calls of a stream in a phase; those under way when it is injected meet the fault, whenever they were due."""
    report, window = seen.streams.get(stream, Report(1.0, ())), seen.window
    if phase is Phase.STEADY:
        due = report.between(window.steady, window.injected)
        return replace(due, samples=tuple(each for each in due.samples if each.ended <= window.injected))
    if phase is Phase.AFTER:
        return report.between(window.removed, window.ended)
    end = window.removed if phase is Phase.FAULT else window.ended
    due = report.between(window.steady, end)
    met = tuple(each for each in due.samples if each.ended > window.injected)
    return replace(due, samples=met, dropped=tuple(at for at in due.dropped if at >= window.injected))


def recovery(seen: Observed) -> Measured:
    """Seconds until the last failed call was due; when the load ended before all was well again: never."""
    window = seen.window
    samples = sum(len(report.between(window.removed).samples) for report in seen.streams.values())
    last = max((report.recovery(window.removed) for report in seen.streams.values()), default=0.0)
    if last > 0 and window.removed + last > window.ended - CLEAN_SECONDS:
        return Measured(None, samples)
    return Measured(last, samples)


def detection(seen: Observed) -> Measured:
    """Seconds from the injection until somebody has noticed."""
    return _first(seen, (Happened.BREAKER, Happened.EJECTION, Happened.POD))


def amplification(seen: Observed, phase: Phase, targets: Sequence[str]) -> Measured:
    """How much more often the targets were tried for each customer's call than before."""
    before, then = _tries_per_call(seen, Phase.STEADY, targets), _tries_per_call(seen, phase, targets)
    if not before or then is None:
        return NOTHING
    return Measured(then / before, _calls(seen, phase))


def share_interval(part: float, whole: float) -> tuple[float, float]:
    """The 95 % interval of a share that was seen as `part` of `whole` (Wilson's): honest about few calls, and none."""
    seen = part / whole
    center = (seen + Z**2 / (2 * whole)) / (1 + Z**2 / whole)
    half = Z * math.sqrt(seen * (1 - seen) / whole + (Z / (2 * whole)) ** 2) / (1 + Z**2 / whole)
    return max(0.0, center - half), min(1.0, center + half)


def answered_share(report: Report) -> Measured:
    """How many of the calls were answered, or refused as deserved."""
    return _of_stream("answered_share", report, report)


def _of_stream(what: str, report: Report, steady: Report) -> Measured:
    calls, failed = len(report.samples) + len(report.dropped), len(report.failures) + len(report.dropped)
    degraded = sum(1 for each in report.samples if each.outcome.degraded and not each.outcome.failed)
    counts = {"calls": calls, "failed": failed}
    shares = {"answered_share": calls - failed, "failed_share": failed, "degraded_share": degraded}
    if what in counts:
        return Measured(counts[what], calls)
    if what in shares:
        return _share(shares[what], calls)
    if what == "p99_ratio":
        return _ratio(_latency(report, 0.99), _latency(steady, 0.99))
    return _latency(report, {"p50_ms": 0.5, "p99_ms": 0.99}[what])


def _of_servers(what: str, counted: Served, steady: Served) -> Measured:
    counts = {"tries": counted.started, "errors": errors(counted), "rejected": counted.rejected}
    if what in counts:
        return Measured(counts[what], round(counted.started))
    if what == "error_share":
        return _share(errors(counted), counted.started)
    if what == "late_share":
        return _share(counted.statuses.get(StatusCode.DEADLINE_EXCEEDED.name, 0.0), counted.started)
    if what == "p99_ratio":
        return _ratio(_server_latency(counted), _server_latency(steady))
    return _server_latency(counted)


def errors(counted: Served) -> float:
    """How many tries ended in a status that is no answer; to refuse a card is an answer."""
    return sum(count for status, count in counted.statuses.items() if status in NOT_ANSWERED)


def served(seen: Observed, phase: Phase, service: str) -> Served:
    """What a service counted in a phase; of two latencies the worse."""
    phases = (Phase.FAULT, Phase.AFTER) if phase is Phase.ALL else (phase,)
    counted = [found for each in phases if (found := seen.served.get(each, {}).get(service))]
    statuses = Counter[str]()
    for found in counted:
        statuses.update(found.statuses)
    return Served(
        started=sum(found.started for found in counted),
        statuses=statuses,
        rejected=sum(found.rejected for found in counted),
        p99=max((found.p99 for found in counted), default=0.0),
    )


def _share(part: float, whole: float) -> Measured:
    if not whole:
        return NOTHING
    return Measured(part / whole, round(whole), share_interval(min(part, whole), whole))


def _latency(report: Report, q: float) -> Measured:
    if not report.samples:
        return NOTHING
    return Measured(1000 * report.quantile(q), len(report.samples))


def _server_latency(counted: Served) -> Measured:
    return Measured(1000 * counted.p99, round(counted.started)) if counted.started and counted.p99 else NOTHING


def _ratio(now: Measured, steady: Measured) -> Measured:
    if now.value is None or not steady.value:
        return NOTHING
    return Measured(now.value / steady.value, min(now.samples, steady.samples))


def _first(seen: Observed, kinds: tuple[Happened, ...]) -> Measured:
    """Seconds from the injection to the first event of these kinds that says something is wrong."""
    began = seen.window.injected
    found = [event.at - began for event in seen.events if event.kind in kinds and event.at >= began and _bad(event)]
    return Measured(min(found, default=None), _calls(seen, Phase.ALL))


def _bad(event: Event) -> bool:
    """Whether somebody has noticed: a breaker opened, a host was ejected, a pod is not Ready."""
    match event.kind:
        case Happened.BREAKER:
            return event.facts.get("state") == "open"
        case Happened.EJECTION:
            return bool(event.facts.get("ejected"))
        case _:
            return bool(event.facts.get("gone")) or event.facts.get("ready") is False


def _tries_per_call(seen: Observed, phase: Phase, targets: Sequence[str]) -> float | None:
    calls = _calls(seen, phase)
    tries = sum(served(seen, phase, service).started for service in targets)
    return tries / calls if calls else None


def _calls(seen: Observed, phase: Phase) -> int:
    return sum(len(part(seen, stream, phase).samples) for stream in seen.streams)
