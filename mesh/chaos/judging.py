"""Does the hypothesis hold, and was anything proved at all? Decided from what a run has gathered. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtest.report import Report
from mesh.chaos.experiment import Experiment, Limit
from mesh.chaos.faults.fault import Proof
from mesh.chaos.metrics import Measured, answered_share, measured
from mesh.chaos.observed import Observed
from mesh.chaos.symptoms import Symptoms, symptoms
from mesh.chaos.verdict import Checked, Outcome, Verdict

MINIMUM = 10  # calls that a number has to come from
AUDITED = {"clean", "discrepancies"}  # an auditor that has read the books
AVAILABILITY = 0.995  # of an order, where nobody says otherwise

Found = tuple[Outcome, str]


@dataclass(frozen=True)
class Evidence:
    """What a run has gathered; what it did not come to is empty."""

    steady: tuple[Checked, ...] = ()  # of `steady_state`
    injected: tuple[Proof, ...] = ()  # of each fault, in the method's order
    removed: tuple[Proof, ...] = ()  # of each fault that lasts, after its removal: `present` should be False
    observed: Observed | None = None
    audit: Mapping[str, Any] = field(default_factory=dict)  # the auditor's report; empty: there is none
    leftovers: tuple[str, ...] = ()  # what could not be undone, in words
    aborted: str = ""  # why it was ended early: a guard, somebody
    problem: str = ""  # why it could not be done, or proves nothing: NotInjected's words
    environment: Mapping[str, Any] = field(default_factory=dict)
    availability: float = AVAILABILITY  # that the objective of PlaceOrder promises


def steady_state(experiment: Experiment, recent: Callable[[str, float], Report]) -> tuple[Checked, ...]:
    """The probes of the steady state, asked of the calls of the last seconds (`Observer.recent`)."""
    found = []
    for probe in experiment.steady_state.probes:
        watched = probe.provider.arguments
        found.append(_checked(probe.limit, answered_share(recent(watched.stream, watched.seconds)), minimum=1))
    return tuple(found)


def judge(
    experiment: Experiment, evidence: Evidence, *, run: str, control: bool = False, protection: str = "both"
) -> Verdict:
    """The verdict. Gravest first: LEAKED, ABORTED, books that do not agree (FAIL), INVALID, FAIL, PASS."""
    seen = evidence.observed
    checks = tuple(_hypothesis(experiment, seen)) if seen else ()
    outcome, reason = next(_found(experiment, evidence, checks))
    met = symptoms(seen, experiment.details.targets, evidence.availability) if seen else Symptoms()
    return Verdict(
        experiment=experiment.name,
        run=run,
        control=control,
        protection=protection,
        outcome=outcome,
        reason=reason,
        checks=checks,
        steady=evidence.steady,
        injected=_said(evidence.injected),
        removed=_said(evidence.removed),
        **vars(met),
        leftovers=evidence.leftovers,
        audit=evidence.audit,
        environment=evidence.environment,
    )


def _hypothesis(experiment: Experiment, seen: Observed) -> Iterator[Checked]:
    """Each limit of the file, and what nobody has to write: that the shop is well again before the load ends."""
    details = experiment.details
    for limit in details.hypothesis:
        yield _checked(limit, measured(limit.metric, limit.phase, seen, details.targets))
    if not any(limit.metric == "recovery_seconds" for limit in details.hypothesis):
        limit = Limit(metric="recovery_seconds", at_most=details.recovery_seconds)
        yield _checked(limit, measured(limit.metric, limit.phase, seen))


def _checked(limit: Limit, found: Measured, minimum: int = MINIMUM) -> Checked:
    """A limit beside what was measured. What never happened (None of enough samples) came later than any bound."""
    enough = found.samples >= minimum
    value = found.value if enough else None
    holds = enough and (limit.at_most is None if value is None else limit.met(value))
    return Checked(limit, value, found.samples, holds, found.interval if enough else None)


def _found(experiment: Experiment, evidence: Evidence, checks: tuple[Checked, ...]) -> Iterator[Found]:
    """Everything that decides, the gravest first; the last one is that nothing is wrong."""
    if evidence.leftovers:
        yield Outcome.LEAKED, f"not undone: {'; '.join(evidence.leftovers)}"
    for proof in evidence.removed:
        if proof.present:
            yield Outcome.LEAKED, f"it is still there: {proof.detail}"
    if evidence.aborted:
        yield Outcome.ABORTED, evidence.aborted
    if wrong := evidence.audit.get("discrepancies"):
        yield Outcome.FAIL, f"the books do not agree: {'; '.join(str(each['detail']) for each in wrong)}"
    for objection in _objections(experiment, evidence, checks):
        yield Outcome.INVALID, objection
    if missed := [check for check in checks if not check.holds]:
        yield Outcome.FAIL, "; ".join(told(check) for check in missed)
    yield Outcome.PASS, "the hypothesis holds, and the books agree"


def _objections(experiment: Experiment, evidence: Evidence, checks: tuple[Checked, ...]) -> Iterator[str]:
    """Why nothing is proved, whatever the numbers say."""
    for check in evidence.steady:
        if not check.holds:
            yield f"the shop was not well before: {told(check)}"
    if evidence.problem:
        yield evidence.problem
    if len(evidence.steady) < len(experiment.steady_state.probes):
        yield "nobody has looked whether the shop was well before"
    yield from _of_proofs(experiment, evidence)
    yield from _of_load(evidence.observed)
    for check in checks:
        if check.samples < MINIMUM:
            yield f"{check.limit} comes from {check.samples} calls; {MINIMUM} is the least that says anything"
    if evidence.audit.get("verdict") not in AUDITED:
        yield f"nobody has read the books: {evidence.audit.get('problem', 'there is no audit')}"


def _of_proofs(experiment: Experiment, evidence: Evidence) -> Iterator[str]:
    for proof in evidence.injected:
        if proof.present is not True:
            yield f"nothing proves that it was injected: {proof.detail}"
    if len(evidence.injected) < len(experiment.faults):
        yield "nobody has looked whether it was injected"
    for proof in evidence.removed:
        if proof.present is None:
            yield f"nothing proves that it was removed: {proof.detail}"


def _of_load(seen: Observed | None) -> Iterator[str]:
    if seen is None:
        yield "there was no load"
        return
    for stream, report in seen.streams.items():
        if not report.samples:
            yield f"there were no calls of {stream}"
    sent = _sent(seen)
    if sent.samples and sent.saturated:
        behind = f"{len(sent.dropped)} calls not sent, the others {1000 * sent.lateness(0.99):.0f} ms late (p99)"
        yield f"the load generator could not keep its schedule, so it measured itself: {behind}"


def _sent(seen: Observed) -> Report:
    """All that the generator sent since it was warm: its streams are one process, and late together."""
    window = seen.window
    parts = [report.between(window.steady, window.ended) for report in seen.streams.values()]
    return Report(
        rate=sum(each.rate for each in parts),
        samples=tuple(sample for each in parts for sample in each.samples),
        dropped=tuple(due for each in parts for due in each.dropped),
    )


def told(check: Checked) -> str:
    """`orders.failed_share at most 0.02 (fault) is 0.31`."""
    found = f"{check.value:.4g}" if check.value is not None else "unknown" if not check.samples else "never"
    return f"{check.limit} is {found}"


def _said(proofs: tuple[Proof, ...]) -> str:
    return "; ".join(proof.detail for proof in proofs)
