"""`argosy load run`: an open loop of so many calls a second, held against what the services promise."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from loadtest.gate import judge
from loadtest.generator import processes
from loadtest.generator.plan import Pattern, Plan, processes_for
from loadtest.generator.seen import Seen
from loadtest.look.document import document
from loadtest.look.page import show
from loadtest.look.ran import Ran
from loadtest.look.report import report
from loadtest.processes import seconds_of
from loadtest.profiles import PROFILES
from loadtest.reconciling import Compared, Says, compared
from loadtest.server_books import bookkeeper
from loadtest.target import probe
from mesh import gateway
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.local.commands.surroundings import page, progress, settings
from mesh.objectives.reading import Objective, read, read_files

_ABOUT = "; ".join(f"{name}: {profile.about}" for name, profile in PROFILES.items())
FASTEST = 100_000.0

Rate = Annotated[float, typer.Option(min=0.1, max=FASTEST, help="Calls per second, whatever becomes of them.")]
For = Annotated[str, typer.Option("--for", help="How long, for example 30s, 5m or 1h30m.")]
ProfileName = Annotated[str, typer.Option("--profile", help=_ABOUT)]
Arrivals = Annotated[Pattern, typer.Option(help="By chance, as customers come, or evenly.")]
WarmUp = Annotated[float, typer.Option(min=0, help="Seconds of the same load before, which are not judged.")]
Seed = Annotated[int, typer.Option(help="The same seed, the same arrivals and the same wishes.")]
Generators = Annotated[int, typer.Option(min=0, help="Processes that make the calls; 0: as many as the rate takes.")]
Objectives = Annotated[
    list[Path] | None, typer.Option(help="Promises to hold it against; may be repeated. services/*/objectives.yaml.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write every number to this file.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page with plots to this file.")]
Host = Annotated[
    str, typer.Option(help="host:port of a gateway that is not the cluster's; its servers' counts are not compared.")
]


def run(  # noqa: PLR0917 - the command line, in one place
    rate: Rate = 40.0,
    duration: For = "30s",
    profile: ProfileName = "shop",
    arrivals: Arrivals = Pattern.POISSON,
    warm_up: WarmUp = 3.0,
    seed: Seed = 1,
    generators: Generators = 0,
    objectives: Objectives = None,
    json_file: Json = None,
    html_file: Html = None,
    host: Host = "",
    context: Context = "",
) -> None:
    """Make so many calls a second for so long, and judge whether every promise was kept.

    An open loop: a slow answer holds no other call up, and latency counts from when a call was due. A generator that
    could not keep its own schedule, and servers that have counted something else, make the run invalid.

    \b
    argosy load run --rate 200 --for 60s --profile shop
    argosy load run --rate 40 --for 5m --profile orders --objectives services/orders/objectives.yaml
    argosy load run --rate 100 --for 30s --json reports/load.json --html reports/load.html

    \b
    Exit codes: 0 every promise was kept, 1 one was not, 2 wrong usage, 3 invalid: no calls, generator-bound, or counts
    that disagree, 4 no cluster runs, or no shop answers there.
    """  # noqa: D301
    if profile not in PROFILES:
        raise typer.BadParameter(f"there is no profile {profile}; {_ABOUT}", param_hint="--profile")
    try:
        seconds = seconds_of(duration)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error
    promised = read_files(objectives) if objectives else read()
    number = generators or processes_for(rate, os.cpu_count() or 1)
    plan = Plan(host, profile, rate, seconds, arrivals, warm_up, seed, number)
    ran = asyncio.run(_run(plan, promised, meant(context)))
    console = page()
    show(console, ran)
    _write(json_file, lambda: json.dumps(document(ran), indent=2) + "\n")
    _write(html_file, lambda: report(ran))
    raise typer.Exit(ran.judgement.outcome.exit_code)


async def _run(plan: Plan, promised: Mapping[str, Objective], cluster: Cluster) -> Ran:
    """The run, at the gateway of the cluster unless another is named."""
    began = time.time()
    if plan.target:
        await probe(plan.target)
        seen = await _load(plan)
        return Ran(plan, seen, judge(seen, promised), (), "the target was named with --host", began)
    with progress() as told:
        async with gateway.reached(cluster, told) as target, bookkeeper(cluster, settings(), told) as books:
            plan = replace(plan, target=target)
            await probe(target)
            before = await books.read()
            seen = await _load(plan)
            after = await books.read_until(lambda now: _agreed(compared(seen.answers, before, now)))
    comparison = tuple(compared(seen.answers, before, after))
    return Ran(plan, seen, judge(seen, promised, comparison), comparison, began=began)


def _agreed(comparison: Iterable[Compared]) -> bool:
    return all(one.says is Says.AGREE for one in comparison)


async def _load(plan: Plan) -> Seen:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar, TemporaryDirectory() as folder:
        about = f"{plan.rate:g} calls a second at {plan.target}"
        task = bar.add_task(about, total=plan.warm_up + plan.seconds)
        return await processes.run(plan, Path(folder), lambda elapsed: bar.update(task, completed=elapsed))


def _write(file: Path | None, text: Callable[[], str]) -> None:
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(), encoding="utf-8")
