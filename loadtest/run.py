"""Does the shop hold under so many users? `argosy load locust --users 20 --rate 5 --run-time 30s --shape ramp`.

The shop is the one of the cluster that KUBECONFIG names, of the local one without it (mesh/gateway.py).
Exit codes: 0 good, 1 not good (the reason is the last line), 2 wrong usage, 4 no shop answers.
Locust is a closed loop: its users wait for answers, so its latencies flatter a server that stalls. They show where
time goes; promises are judged with `argosy load run`.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from loadtest.budget import Budget, objections
from loadtest.processes import (
    USERS_PER_PROCESS,
    WEB_ADDRESS,
    WEB_PORT,
    Plan,
    Stuck,
    Usage,
    commands,
    free_port,
    generate_load,
    seconds_of,
)
from loadtest.shapes import Shape
from loadtest.soak import slower
from loadtest.summary import as_json, show
from loadtest.tally import Tally, load_tallies
from loadtest.target import probe
from mesh import gateway
from mesh.chosen_cluster import meant
from mesh.local.commands.surroundings import progress
from mesh.local.problems import LocalClusterError

MEMORY_LIMIT = 256  # MiB for each process
BUSY = 0.8  # of a core; above it a process measures itself
WIDTH = 110  # of the tables in a log file

Host = Annotated[str, typer.Option(help="host:port of the shop's gateway, when it is not the cluster's own")]
Users = Annotated[int, typer.Option(envvar="USERS", min=1, help="users at the same time")]
Rate = Annotated[float, typer.Option(envvar="RATE", min=0.1, help="users started per second")]
RunTime = Annotated[str, typer.Option(envvar="RUN_TIME", help="how long, for example 30s, 5m or 1h30m")]
Seed = Annotated[int, typer.Option(envvar="SEED", help="same seed, same shopping")]
Workers = Annotated[int, typer.Option(envvar="WORKERS", min=0, help="more processes, when one core is not enough")]
Elsewhere = Annotated[int, typer.Option(envvar="WORKERS_ELSEWHERE", min=0, help="workers that come by themselves")]
Form = Annotated[Shape, typer.Option(envvar="SHAPE", help="how the number of users changes: loadtest/shapes.py")]
Html = Annotated[Path, typer.Option(help="where to write Locust's report; its log and its CSVs go beside it")]
Json = Annotated[Path, typer.Option("--json", help="where to write the numbers")]
Share = Annotated[float, typer.Option(min=0, max=1, help="share of calls that may end without an answer")]
Page = Annotated[bool, typer.Option("--ui", help=f"open Locust's page on {WEB_ADDRESS}:{WEB_PORT} instead")]


def faults(plan: Plan, code: int, usage: Usage, tally: Tally, budget: Budget) -> list[str]:
    """Why this run is no good, the gravest first; empty when it is good."""
    found = list(objections(tally, budget))
    left = len(plan.tallies)
    if left < plan.processes:
        found.insert(0, f"{plan.processes - left} of {plan.processes} load generators left no result, see {plan.log}")
    if code:
        found.insert(0, f"Locust ended with exit code {code}, see {plan.log}")
    if usage.interrupted:
        found.insert(0, f"interrupted after {usage.interrupted:.0f} of {plan.seconds} s")
    elif usage.lasted < plan.seconds and not plan.breakpoint.exists():
        found.insert(0, f"Locust ended by itself after {usage.lasted:.0f} of {plan.seconds} s, see {plan.log}")
    allowed = MEMORY_LIMIT * (plan.workers + 1)
    if usage.peak_rss > allowed * 2**20:
        found.append(f"the load generators took {usage.peak_rss / 2**20:.0f} MiB, more than {allowed} MiB")
    if plan.shape is Shape.SOAK and not found:
        found += slower(plan.history)
    return found


def run(plan: Plan, budget: Budget, numbers: Path, console: Console) -> list[str]:
    """Generate load, show and write the numbers; the faults found. Raises Stuck."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{plan.users} users at {plan.host}", total=plan.seconds)
        code, usage = generate_load(plan, lambda elapsed: progress.update(task, completed=elapsed))
    tally = load_tallies(plan.tallies)
    found = faults(plan, code, usage, tally, budget)
    broke = plan.breakpoint.read_text().split() if plan.breakpoint.exists() else []
    seconds = usage.interrupted or (float(broke[1]) if broke else plan.seconds)
    show(console, tally, seconds)
    console.print(f"memory of the generators: {usage.peak_rss / 2**20:.0f} MiB at most; report: {plan.html}")
    if usage.busiest > BUSY:
        console.print(
            f"[yellow]a generator used {usage.busiest:.0%} of its core: latencies describe it; set WORKERS[/]"
        )
    if plan.shape is Shape.BREAKPOINT:
        console.print(f"the shop broke at {broke[0]} users" if broke else f"{plan.users} users did not break the shop")
    facts: dict[str, Any] = {"target": plan.host, "users": plan.users, "seconds": seconds, "seed": plan.seed}
    facts |= {"shape": plan.shape, "broke_at_users": int(broke[0]) if broke else None}
    facts |= as_json(tally, seconds)
    facts |= {"peak_rss_bytes": usage.peak_rss, "busiest_core": round(usage.busiest, 3), "faults": found}
    numbers.write_text(json.dumps(facts, indent=2) + "\n")
    return found


def main(  # noqa: PLR0917 - the command line, in one place
    host: Host = "",
    users: Users = 20,
    rate: Rate = 5,
    run_time: RunTime = "30s",
    seed: Seed = 1,
    workers: Workers = 0,
    workers_elsewhere: Elsewhere = 0,
    shape: Form = Shape.STEADY,
    html: Html = Path("reports/locust.html"),
    json_file: Json = Path("reports/locust.json"),
    unavailable: Share = Budget.unavailable,
    ui: Page = False,  # noqa: FBT002
) -> None:
    """Explore with Locust: users browse, search, fill carts, order, track and cancel, and wait for every answer.

    \b
    argosy load locust --users 100 --rate 10 --run-time 2m
    argosy load locust --shape breakpoint --users 300 --run-time 5m
    argosy load locust --users 1500 --workers 3
    argosy load locust --ui

    Exit codes: 0 good, 1 not good (the last line says why), 2 wrong usage, 4 no shop answers.
    """  # noqa: D301 - \b keeps the lines apart in --help
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        seconds = seconds_of(run_time)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--run-time") from error
    if users > (room := max(workers + workers_elsewhere, 1) * USERS_PER_PROCESS):
        raise typer.BadParameter(f"{room} users is the most for this many --workers", param_hint="--users")
    code = 1
    try:
        with ExitStack() as stack:
            host = host or stack.enter_context(gateway.reached_meanwhile(meant(), progress()))
            asyncio.run(probe(host))
            html.parent.mkdir(parents=True, exist_ok=True)
            json_file.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argosy-load-")))
            plan = Plan(host, users, rate, seconds, seed, workers, html, folder, shape, workers_elsewhere)
            if ui:
                raise typer.Exit(show_page(plan))
            # Whoever looks for the breaking point wants calls to fail in the end.
            budget = Budget(1.0 if shape is Shape.BREAKPOINT else unavailable)
            found = run(plan, budget, json_file, console)
    except LocalClusterError as error:
        found, code = [str(error)], error.exit_code
    except Stuck as error:
        found = [str(error)]
    for fault in reversed(found):
        console.print(f"[red]FAIL[/] {fault}", soft_wrap=True, highlight=False)
    if found:
        raise typer.Exit(code)
    promised = "every call was answered as promised, within the budget"
    searched = "the search has ended, and no call was answered wrongly"
    console.print(f"[green]PASS[/] {searched if shape is Shape.BREAKPOINT else promised}")


def show_page(plan: Plan) -> int:
    """Run Locust with its web page until Ctrl-C, which Locust hears as well; its exit code."""
    lead, *workers = [subprocess.Popen(command) for command in commands(plan, free_port(), page=True)]
    try:
        while True:
            try:
                return lead.wait()
            except KeyboardInterrupt:
                continue
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


if __name__ == "__main__":
    typer.run(main)
