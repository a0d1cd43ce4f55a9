"""How do experiments and their verdicts look on a terminal?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mesh.chaos.experiment import Experiment, Phase
from mesh.chaos.look.words import audited, facts, ms, recovered, seconds, share, times, value
from mesh.chaos.observed import Event, Happened
from mesh.chaos.verdict import Figures, Outcome, Verdict

_STYLES = {Outcome.PASS: "bold green", Outcome.FAIL: "bold red", Outcome.LEAKED: "bold red reverse"}
_LOUD = {Happened.INJECTED: "red", Happened.REMOVED: "green", Happened.PHASE: "bold"}
_ORDER = ("off", "app only", "mesh only", "both")
_PHASES = (Phase.STEADY, Phase.FAULT, Phase.AFTER)


def list_table(
    experiments: Sequence[Experiment], last: Mapping[str, Verdict], impossible: Mapping[str, str] | None = None
) -> Table:
    """The experiments there are, how each ended last, and why this cluster cannot do it."""
    table = Table("experiment", "question", "without", "last verdict", box=None, pad_edge=False)
    for experiment in experiments:
        name = Text(experiment.name, style="bold")
        if experiment.details.fast:
            name.append(" fast", style="dim")
        why = (impossible or {}).get(experiment.name)
        verdict = last.get(experiment.name)
        told = Text(f"skipped: {why}", style="yellow") if why else _outcome(verdict) if verdict else Text("never run")
        table.add_row(name, experiment.title, experiment.details.control.without, told)
    return table


def progress_line(event: Event, began: float) -> Text:
    """One line for something that has just happened in a run that began then."""
    style = _LOUD.get(event.kind, "dim")
    words = " ".join(filter(None, (event.subject, event.detail, _facts(event))))
    return Text(f"{event.at - began:6.1f} s  {event.kind:<9} {words}", style=style)


def verdict_table(verdict: Verdict) -> RenderableType:
    """One verdict with all that says why."""
    parts: list[RenderableType] = [_headline(verdict), Text()]
    if verdict.checks:
        parts += [_checks(verdict), Text()]
    if verdict.figures:
        parts += [_figures(verdict.figures), Text()]
    parts.append(_facts_table(verdict))
    return Group(*parts)


def compare_table(verdicts: Sequence[tuple[str, Verdict]]) -> Table:
    """The same experiment by protection, side by side: off, app only, mesh only, both."""
    verdicts = sorted(verdicts, key=lambda pair: _ORDER.index(pair[0]) if pair[0] in _ORDER else 0)
    whole = max((verdict for _, verdict in verdicts), key=lambda verdict: len(verdict.checks) + len(verdict.figures))
    table = Table("", *(title for title, _ in verdicts), title=whole.experiment, title_justify="left")
    table.add_row("verdict", *(_outcome(verdict) for _, verdict in verdicts))
    for place, check in enumerate(whole.checks):
        cells = (_found(verdict, place) for _, verdict in verdicts)
        table.add_row(str(check.limit), *cells)
    for stream in whole.figures:
        for what, read in (("failed", _failed), ("p99", _p99)):
            cells = (Text(read(verdict.figures.get(stream, {}).get(Phase.ALL))) for _, verdict in verdicts)
            table.add_row(f"{stream}, {what} ({Phase.ALL})", *cells)
    table.add_row("recovered after", *(recovered(verdict) for _, verdict in verdicts))
    table.add_row("tries for each call, of before", *(times(verdict.amplification) for _, verdict in verdicts))
    table.add_row("books", *(audited(verdict.audit) for _, verdict in verdicts))
    return table


def summary_table(verdicts: Sequence[Verdict], skipped: Mapping[str, str] | None = None) -> Table:
    """Several verdicts, one a line, and what was skipped with the reason."""
    table = Table("experiment", "verdict", "detected", "recovered", "tries", "budget used", "why", box=None)
    for verdict in verdicts:
        name = f"{verdict.experiment}, {verdict.protection}" if verdict.control else verdict.experiment
        numbers = (seconds(verdict.detected), recovered(verdict), times(verdict.amplification))
        table.add_row(name, _outcome(verdict), *numbers, share(verdict.budget_used), verdict.reason)
    for name, why in (skipped or {}).items():
        table.add_row(name, Text("SKIPPED", style="yellow"), "", "", "", "", why)
    return table


def _headline(verdict: Verdict) -> Text:
    control = f", {verdict.protection}, has to FAIL" if verdict.control else ""
    return Text.assemble(_outcome(verdict), f"  {verdict.experiment}{control}: {verdict.reason}")


def _outcome(verdict: Verdict) -> Text:
    return Text(verdict.outcome, style=_STYLES.get(verdict.outcome, "bold yellow"))


def _checks(verdict: Verdict) -> Table:
    table = Table("hypothesis", "found", "95 %", "of", "", box=None, pad_edge=False)
    for check in (*verdict.steady, *verdict.checks):
        interval = "" if check.interval is None else f"{check.interval[0]:.2%} to {check.interval[1]:.2%}"
        holds = Text("holds", style="green") if check.holds else Text("does not hold", style="red")
        table.add_row(str(check.limit), value(check), interval, str(check.samples), holds)
    return table


def _figures(figures: Mapping[str, Mapping[Phase, Figures]]) -> Table:
    columns = ("customers", "phase", "calls", "failed", "degraded", "p50 ms", "p99 ms")
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for stream, phases in figures.items():
        for phase in _PHASES:
            if found := phases.get(phase):
                counts = (str(found.calls), str(found.failed), str(found.degraded))
                table.add_row(stream, phase, *counts, ms(found.p50), ms(found.p99))
    return table


def _facts_table(verdict: Verdict) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, words in facts(verdict):
        table.add_row(name, words)
    return table


def _found(verdict: Verdict, place: int) -> Text:
    if place >= len(verdict.checks):
        return Text("")
    check = verdict.checks[place]
    return Text(value(check), style="" if check.holds else "red")


def _failed(found: Figures | None) -> str:
    return f"{found.failed} of {found.calls}" if found else ""


def _p99(found: Figures | None) -> str:
    return f"{ms(found.p99)} ms" if found and found.p99 is not None else ""


def _facts(event: Event) -> str:
    return ", ".join(f"{name} {fact}" for name, fact in event.facts.items())
