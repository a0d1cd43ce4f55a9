"""What does the user see when something the shop depends on fails? docs/failure-modes.md, written from verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mesh.chaos.experiment import Experiment, Phase
from mesh.chaos.judging import MINIMUM
from mesh.chaos.look.words import ms, seconds
from mesh.chaos.verdict import Figures, Outcome, Verdict

_HEAD = """\
<!-- Written by `argosy chaos report --write` (mesh/chaos/look/failure_modes.py); edit the experiments, not this. -->
# What users see when something fails

Each row is an experiment in mesh/chaos/experiments: one thing the shop depends on fails under open-loop load, and what
is said here was measured at the gateway meanwhile, see [chaos.md](chaos.md). *Failed*: neither answered nor refused
as the request deserved. *p99*: of all answers from when each call was due, before and during the fault. *Back after*:
from the removal of the fault (of what just happens, a kill, from then) until the last call that failed. *Without*: the
same run with that protection taken away; it has to FAIL, or the row proves nothing.
"""
_HEADINGS = (
    *("dependency", "failure", "what the user sees", "fallback", "orders failed", "order p99", "page p99"),
    *("back after", "recovery", "verdict", "without"),
)


def document(experiments: Sequence[Experiment], verdicts: Sequence[Verdict]) -> str:
    """The whole page; of several verdicts on the same the last one counts, controls stand beside their experiment."""
    last = {verdict.experiment: verdict for verdict in verdicts if not verdict.control}
    controls = {verdict.experiment: verdict for verdict in verdicts if verdict.control and _whole(verdict)}
    rows = [_row(one, last.get(one.name), controls.get(one.name)) for one in experiments]
    return "\n".join([_HEAD, *_measured(last.values()), *_table(sorted(rows))]) + "\n"


def _whole(verdict: Verdict) -> bool:
    """Whether all of the protection was taken away, and not one layer for comparison."""
    return verdict.protection not in {"app only", "mesh only"}


def _measured(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """On what, as far as the verdicts agree about that."""
    environments = [verdict.environment for verdict in verdicts if verdict.environment]
    for name in ("revision", "cores", "kubernetes", "istio", "envoy"):
        if found := sorted({str(environment[name]) for environment in environments if name in environment}):
            yield f"- {name}: {', '.join(found)}"
    if environments:
        yield ""


def _row(experiment: Experiment, verdict: Verdict | None, control: Verdict | None) -> tuple[str, ...]:
    mode = experiment.details.failure_mode
    said = (mode.dependency, mode.failure, mode.seen, mode.fallback)
    if verdict is None:
        return (*said, "", "", "", "", mode.recovery, f"{experiment.name}: not run", "")
    return (
        *said,
        _failed(verdict),
        _p99(verdict, "orders"),
        _p99(verdict, "pages"),
        seconds(verdict.recovered),
        mode.recovery,
        f"{experiment.name}: {_outcome(verdict)}",
        f"{experiment.details.control.without}: {_outcome(control) if control else 'not run'}",
    )


def _outcome(verdict: Verdict) -> str:
    """The outcome, loud where it is not the one that is wanted."""
    wanted = Outcome.FAIL if verdict.control else Outcome.PASS
    return verdict.outcome if verdict.outcome is wanted else f"**{verdict.outcome}**"


def _failed(verdict: Verdict) -> str:
    found = verdict.figures.get("orders", {}).get(Phase.ALL)
    return f"{found.failed} of {found.calls}" if found and found.calls else ""


def _p99(verdict: Verdict, stream: str) -> str:
    phases = verdict.figures.get(stream, {})
    before, during = phases.get(Phase.STEADY), _hurt(phases.get(Phase.FAULT), phases.get(Phase.ALL))
    return f"{ms(before.p99)} ms, then {ms(during.p99)} ms" if before and during and during.calls else ""


def _hurt(fault: Figures | None, everything: Figures | None) -> Figures | None:
    """The figures under the fault; of what just happened, and met few calls, of all that came after."""
    return fault if fault and fault.calls >= MINIMUM else everything


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(_HEADINGS)} |"
    yield f"|{'---|' * len(_HEADINGS)}"
    yield from (f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in row)} |" for row in rows)
