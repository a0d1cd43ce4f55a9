"""What did a fault do, whatever was expected of it? When it was noticed, what it cost, and who else was hit. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mesh.chaos.experiment import Phase
from mesh.chaos.metrics import amplification, detection, errors, part, recovery, served
from mesh.chaos.observed import Happened, Observed, Served
from mesh.chaos.verdict import Figures

MONTH = 30 * 86_400.0
MOVED_ERRORS = 0.01  # more of a service's tries fail: it was hit, too
MOVED_TIMES = 2.0  # its p99 is so many times what it was
MOVED_SECONDS = 0.02  # and by at least so much; less is noise


@dataclass(frozen=True)
class Symptoms:
    """The fields of a verdict that judge nothing."""

    detected: float | None = None
    recovered: float | None = None
    amplification: float | None = None
    budget_used: float | None = None
    breakers: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    figures: Mapping[str, Mapping[Phase, Figures]] = field(default_factory=dict)


def symptoms(seen: Observed, targets: Sequence[str], availability: float) -> Symptoms:
    """What was seen; `availability` is what orders are promised."""
    hurt = Phase.FAULT if seen.window.removed - seen.window.injected > 1.0 else Phase.ALL
    return Symptoms(
        detected=detection(seen).value,
        recovered=recovery(seen).value,
        amplification=amplification(seen, hurt, targets).value,
        budget_used=_budget_used(seen, availability),
        breakers=tuple(_breakers(seen)),
        blast_radius=tuple(_moved(seen, hurt, targets)),
        figures={stream: {phase: _figures(seen, stream, phase) for phase in Phase} for stream in seen.streams},
    )


def _budget_used(seen: Observed, availability: float) -> float | None:
    """The orders that failed, of those that may fail in a month at this rate."""
    orders = seen.streams.get("orders")
    if orders is None or availability >= 1:
        return None
    failed = len(part(seen, "orders", Phase.ALL).failures)
    return failed / ((1 - availability) * orders.rate * MONTH)


def _breakers(seen: Observed) -> Iterator[str]:
    for event in seen.events:
        if event.kind is Happened.BREAKER and event.at >= seen.window.injected:
            after = event.at - seen.window.injected
            yield f"{after:.1f} s {event.subject}: {event.facts.get('state', event.detail)}"


def _moved(seen: Observed, hurt: Phase, targets: Sequence[str]) -> Iterator[str]:
    """The services besides the targets that failed more, or were slower, than before."""
    for service in sorted({*seen.served.get(Phase.FAULT, {}), *seen.served.get(Phase.AFTER, {})} - {*targets}):
        before, then = served(seen, Phase.STEADY, service), served(seen, hurt, service)
        if _error_share(then) > _error_share(before) + MOVED_ERRORS:
            yield f"{service}: {_error_share(before):.1%} of tries failed before, then {_error_share(then):.1%}"
        if then.p99 > MOVED_TIMES * before.p99 and then.p99 > before.p99 + MOVED_SECONDS:
            yield f"{service}: p99 was {1000 * before.p99:.0f} ms, then {1000 * then.p99:.0f} ms"


def _error_share(counted: Served) -> float:
    return errors(counted) / counted.started if counted.started else 0.0


def _figures(seen: Observed, stream: str, phase: Phase) -> Figures:
    report = part(seen, stream, phase)
    p50, p99 = (round(1000 * report.quantile(q), 1) if report.samples else None for q in (0.5, 0.99))
    return Figures(
        calls=len(report.samples) + len(report.dropped),
        failed=len(report.failures) + len(report.dropped),
        degraded=sum(1 for each in report.samples if each.outcome.degraded and not each.outcome.failed),
        p50=p50,
        p99=p99,
    )
