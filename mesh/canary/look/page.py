"""How does a run look while it goes on? Weights, both versions, the evidence, the decision, and what was done."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mesh.canary.act.route import spelled
from mesh.canary.journal.state import BEFORE_THE_FIRST, Action, Phase, State
from mesh.canary.judge.counts import Counts
from mesh.canary.judge.verdict import Arm, Evidence, Outcome
from mesh.canary.look.telling import told
from mesh.canary.look.watched import Watched

_METER = 30
_STYLES = {Outcome.BETTER_OR_EQUAL: "green", Outcome.WORSE: "red", Outcome.NOT_ENOUGH: "yellow"}
_ENDS = {"promoted": "green", "rolled-back": "red"}


def page(run: Watched, now: float) -> RenderableType:
    """The run at the time `now`; what is not known yet is left out."""
    state = run.state
    parts: list[RenderableType] = [_headline(state, now - run.began), _steps(state), Text(), _versions(run)]
    if run.evidence:
        parts += [Text(), _meters(run.evidence)]
    parts += [Text(), _decision(state), Text()]
    parts += [Text(f"{_clock(entry.at)}  {told(entry)}", style="dim") for entry in run.said]
    return Group(*parts)


def _headline(state: State, seconds: float) -> Text:
    took = timedelta(seconds=max(0, round(seconds)))
    return Text.assemble(
        (f"canary of {state.service}  ", "bold"),
        f"{state.baseline} -> {state.canary}   {took}   run {state.run}, in the hands of {state.by}",
    )


def _steps(state: State) -> Text:
    """The way from the first weight to promotion, and where the run is on it."""
    line = Text()
    for number, step in enumerate(state.plan["steps"]):
        done, here = number < state.step, number == state.step
        line.append(f"{step['weight']} %", style="green" if done else "bold reverse" if here else "dim")
        line.append("  ")
    line.append("promoted", style="bold green" if state.outcome == "promoted" else "dim")
    return line


def _versions(run: Watched) -> Table:
    state, found = run.state, run.evidence
    last = state.blocks[-1] if state.blocks and state.blocks[-1].step == state.step else None
    columns = ("version", "weight", "per second", "requests", "errors", "error ratio (95 %)", "p50 ms", "p99 ms")
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    baseline, canary = (last.baseline, last.canary) if last else (None, None)
    of_baseline, of_canary = (found.baseline, found.canary) if found else (None, None)
    for version, counts, arm in ((state.baseline, baseline, of_baseline), (state.canary, canary, of_canary)):
        rate = f"{counts.requests / last.seconds:.1f}" if counts and last else ""
        table.add_row(version, f"{state.weights.get(version, 0)} %", rate, *_arm(arm, counts))
    return table


def _arm(arm: Arm | None, counts: Counts | None) -> tuple[str, ...]:
    """What a version has done in this step; before anything of it is judged, in the last block."""
    if arm:
        interval = f"{arm.ratio:.2%} ({arm.low:.2%} to {arm.high:.2%})"
        return f"{arm.requests}", f"{arm.errors}", interval, f"{arm.p50:.1f}", f"{arm.p99:.1f}"
    return (f"{counts.requests}", f"{counts.errors}", "warming up", "", "") if counts else ("",) * 5


def _meters(found: Evidence) -> Table:
    """How far the evidence is, on a logarithmic scale: each doubling is as hard to come by as the last."""
    table = Table("is the canary ...", "evidence", "", "decides at", box=None, pad_edge=False)
    for question, value, needed, style in questions(found):
        bar = ProgressBar(total=1, completed=share(value, needed), width=_METER, complete_style=style)
        table.add_row(question, bar, f"{value:.3g}", f"{needed:.3g}")
    return table


def questions(found: Evidence) -> Iterator[tuple[str, float, float, str]]:
    """What the judge asks, how strong the evidence for a yes is, how strong it must be, and how alarming a yes is."""
    yield "failing more, by request", found.errors, found.threshold, "red"
    yield "failing more, by block", found.errors_by_block, found.threshold_by_block, "red"
    yield "refusing more, by request", found.refused, found.threshold, "red"
    yield "refusing more, by block", found.refused_by_block, found.threshold_by_block, "red"
    yield "slower, by request", found.slow, found.threshold, "red"
    yield "slower, by block", found.slow_by_block, found.threshold_by_block, "red"
    yield "failing no more", found.equal_errors, found.threshold_equal, "green"
    yield "refusing no more", found.equal_refused, found.threshold_equal, "green"
    yield "no slower", found.equal_slow, found.threshold_equal, "green"


def share(value: float, needed: float) -> float:
    """How far `value` is from 1, where evidence begins, to `needed`; between 0 and 1."""
    return min(1.0, max(0.0, math.log(max(value, 1.0)) / math.log(needed)))


def _decision(state: State) -> Text:
    if state.phase is Phase.ENDED:
        return Text(f"{state.outcome}: {state.reason}", style=f"bold {_ENDS.get(state.outcome, 'yellow')}")
    if state.phase is Phase.PAUSED:
        return Text(f"paused at {spelled(state.weights)}: {state.reason}", style="bold yellow")
    if state.goal:
        doing = "promoting" if state.goal is Action.PROMOTE else "rolling back"
        return Text(f"{doing}: {state.goal_reason}", style="bold")
    return _at_step(state)


def _at_step(state: State) -> Text:
    at = state.progress
    if at.waiting:
        return Text(
            f"waits for gate {', '.join(at.waiting)}: argosy canary approve {state.service}", style="bold yellow"
        )
    if at.ruling:
        return Text(f"{at.ruling.outcome}: {at.ruling.reason}", style=_STYLES[at.ruling.outcome])
    if state.step == BEFORE_THE_FIRST:
        return Text("about to begin", style="dim")
    return Text("warming up" if at.observed_at else "waiting until the requests are seen to be split so", style="dim")


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"
