"""What would a canary see, and how long would it take? `argosy canary plan`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from mesh.canary.act.routing import Routing
from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines, From, PlanFile, Prometheus, Service, To
from mesh.canary.commands.session import source_of
from mesh.canary.commands.versions import Versions, versions
from mesh.canary.forecast import StepForecast, Traffic, forecast, total, warnings
from mesh.canary.judge.counts import Counts
from mesh.canary.measure.difference import NoData
from mesh.canary.measure.source import Source
from mesh.canary.measure.traffic import seen_for
from mesh.canary.plan import Plan, read
from mesh.canary.problems import CanaryError
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import page, progress
from mesh.local.progress import as_minutes


def plan(
    service: Service,
    *,
    from_: From = "",
    to: To = "",
    plan: PlanFile = None,
    prometheus: Prometheus = "",
    seconds: Annotated[float, typer.Option(min=1, help="How long the traffic of now is measured.")] = 10.0,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Say for each step how many requests it will judge, what difference it can see, and how long that takes.

    Measures the traffic of now and changes nothing.

    \b
    argosy canary plan catalog
    argosy canary plan payments --to v2 --plan payments-canary.yaml
    argosy canary plan catalog --json | jq 'select(.step) | .seconds'

    \b
    Exit codes: 0 shown, 4 no cluster runs, 20 no such service or version, or an impossible plan,
    30 the traffic cannot be measured.
    """  # noqa: D301
    planned = read(plan) if plan else Plan()
    wish = _Wish(service, from_, to, prometheus, seconds)
    end_with(_tell(meant(context), wish, planned, as_lines=as_lines))


@dataclass(frozen=True)
class _Wish:
    """What is to be measured, and for how long."""

    service: str
    baseline: str
    canary: str
    prometheus: str
    seconds: float


async def _tell(cluster: Cluster, wish: _Wish, plan: Plan, *, as_lines: bool) -> int:
    async with opened(cluster) as client:
        weights = (await Routing(client, wish.service).look()).weights
    chosen = versions(wish.service, weights, wish.baseline, wish.canary)
    async with source_of(cluster, wish.service, (chosen.baseline, chosen.canary), wish.prometheus) as source:
        with progress() as told:
            told.now(f"measuring the traffic of {wish.service} for {wish.seconds:.0f} s")
            traffic = await _traffic(source, chosen, wish.seconds)
    steps = forecast(plan, traffic)
    warned = list(warnings(plan, traffic, steps))
    if as_lines:
        for number, step in enumerate(steps, 1):
            _print({"step": number, **asdict(step)})
        _print({**asdict(traffic), "seconds": total(steps), "warnings": warned})
        return 0
    page().print(
        f"{wish.service}: {chosen.canary} against {chosen.baseline}, at {traffic.per_second:.3g} requests a second,"
        f" {traffic.error_ratio:.2%} of them errors",
        *(_table(steps), *(Text(warning, style="yellow") for warning in warned)),
        sep="\n",
    )
    return 0


async def _traffic(source: Source, chosen: Versions, seconds: float) -> Traffic:
    """What both versions get now. Raises CanaryError when that cannot be seen."""
    seen = await seen_for(source, (chosen.baseline, chosen.canary), seconds)
    if isinstance(seen, NoData):
        raise CanaryError(f"the traffic cannot be measured: {seen.why}")
    both = sum(seen.versions.values(), start=Counts())
    return Traffic(both.requests / seen.seconds, both.errors / max(1, both.requests))


def _table(steps: Sequence[StepForecast]) -> Table:
    shown = Table(
        "step", "weight", "requests", "of the baseline", "takes", "worse is seen from", "equal is within", box=None
    )
    for number, step in enumerate(steps, 1):
        took = "pauses" if step.seconds is None else as_minutes(step.seconds)
        seen = "never" if step.visible >= 1 else f"{step.visible:.2%} errors"
        shown.add_row(
            *(str(number), f"{step.weight} %", str(step.canary), str(step.baseline)),
            *(took, seen, f"{step.excess:.2%} more"),
        )
    seconds = total(steps)
    shown.add_row("all", "", "", "", "pauses" if seconds is None else as_minutes(seconds), "", "")
    return shown


def _print(line: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(line, separators=(",", ":")))
