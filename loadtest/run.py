"""Does the shop hold under so many users? It is asked with `make load USERS=20 RATE=5 RUN_TIME=30s`.

The shop is the one of the cluster that KUBECONFIG names, of the local one without it (mesh/gateway.py).
Exit codes: 0 good, 1 not good (the reason is the last line), 2 wrong usage.
Locust is a closed loop: its users wait for answers, so its latencies flatter a server that stalls. They show where
time goes; promises are judged with loadtest.open_loop.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from loadtest.budget import Budget, objections
from loadtest.processes import LOCUSTFILE, USERS_PER_PROCESS, Plan, Stuck, Usage, generate_load, seconds_of
from loadtest.shopper import open_shopper
from loadtest.summary import as_json, show
from loadtest.tally import Tally, load_tallies
from mesh import gateway
from mesh.chosen_cluster import meant
from mesh.local.commands.surroundings import progress
from mesh.local.problems import LocalClusterError

MEMORY_LIMIT = 256  # MiB for each process
BUSY = 0.8  # of a core; above it a process measures itself
WIDTH = 110  # of the tables in a log file
WEB_ADDRESS, WEB_PORT = "127.0.0.1", "8089"

Host = Annotated[str, typer.Option(help="host:port of the shop's gateway, when it is not the cluster's own")]
Users = Annotated[int, typer.Option(envvar="USERS", min=1, help="users at the same time")]
Rate = Annotated[float, typer.Option(envvar="RATE", min=0.1, help="users started per second")]
RunTime = Annotated[str, typer.Option(envvar="RUN_TIME", help="how long, for example 30s, 5m or 1h30m")]
Seed = Annotated[int, typer.Option(envvar="SEED", help="same seed, same shopping")]
Workers = Annotated[int, typer.Option(envvar="WORKERS", min=0, help="more processes, when one core is not enough")]
Html = Annotated[Path, typer.Option(help="where to write Locust's report; its log goes beside it")]
Json = Annotated[Path, typer.Option("--json", help="where to write the numbers")]
Share = Annotated[float, typer.Option(min=0, max=1, help="share of calls that may end without an answer")]
Page = Annotated[bool, typer.Option("--ui", help=f"open Locust's page on {WEB_ADDRESS}:{WEB_PORT} instead")]


class DeadTarget(Exception):
    """Nobody sells anything at the target; the message says what to do."""


async def probe(host: str) -> None:
    """Call the shop once, as a user would. Raises DeadTarget."""
    try:
        async with open_shopper(host) as shopper:
            if not shopper.product_ids:
                raise DeadTarget(f"the shop at {host} lists no products")
    except grpc.aio.AioRpcError as error:
        said = f"{error.code().name}: {error.details()}"
        raise DeadTarget(f"no shop answers at {host} ({said}); `argosy up` or `argosy deploy` start one") from error


def faults(plan: Plan, code: int, usage: Usage, tally: Tally, budget: Budget) -> list[str]:
    """Why this run is no good, the gravest first; empty when it is good."""
    found = list(objections(tally, budget))
    processes = plan.workers or 1
    left = len(list(plan.tallies.glob("*.json")))
    if left < processes:
        found.insert(0, f"{processes - left} of {processes} load generators left no result, see {plan.log}")
    if code:
        found.insert(0, f"Locust ended with exit code {code}, see {plan.log}")
    if usage.interrupted:
        found.insert(0, f"interrupted after {usage.interrupted:.0f} of {plan.seconds} s")
    allowed = MEMORY_LIMIT * (plan.workers + 1)
    if usage.peak_rss > allowed * 2**20:
        found.append(f"the load generators took {usage.peak_rss / 2**20:.0f} MiB, more than {allowed} MiB")
    return found


def run(plan: Plan, budget: Budget, numbers: Path, console: Console) -> list[str]:
    """Generate load, show and write the numbers; the faults found. Raises Stuck."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{plan.users} users at {plan.host}", total=plan.seconds)
        code, usage = generate_load(plan, lambda elapsed: progress.update(task, completed=elapsed))
    tally = load_tallies(plan.tallies.glob("*.json"))
    found = faults(plan, code, usage, tally, budget)
    seconds = usage.interrupted or plan.seconds
    show(console, tally, seconds)
    console.print(f"memory of the generators: {usage.peak_rss / 2**20:.0f} MiB at most; report: {plan.html}")
    if usage.busiest > BUSY:
        console.print(
            f"[yellow]a generator used {usage.busiest:.0%} of its core: latencies describe it; set WORKERS[/]"
        )
    facts: dict[str, Any] = {"target": plan.host, "users": plan.users, "seconds": seconds, "seed": plan.seed}
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
    html: Html = Path("reports/load.html"),
    json_file: Json = Path("reports/load.json"),
    unavailable: Share = Budget.unavailable,
    ui: Page = False,  # noqa: FBT002
) -> None:
    """Load the shop with users that browse and buy over gRPC, and judge how it did."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        seconds = seconds_of(run_time)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--run-time") from error
    if users > (room := max(workers, 1) * USERS_PER_PROCESS):
        raise typer.BadParameter(f"{room} users is the most for this many --workers", param_hint="--users")
    try:
        with ExitStack() as stack:
            host = host or stack.enter_context(gateway.reached_meanwhile(meant(), progress()))
            asyncio.run(probe(host))
            if ui:
                raise typer.Exit(show_page(host, users, rate, seed))
            html.parent.mkdir(parents=True, exist_ok=True)
            json_file.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="argosy-load-")))
            plan = Plan(host, users, rate, seconds, seed, workers, html, html.with_suffix(".log"), folder)
            found = run(plan, Budget(unavailable), json_file, console)
    except (DeadTarget, Stuck, LocalClusterError) as error:
        found = [str(error)]
    for fault in reversed(found):
        console.print(f"[red]FAIL[/] {fault}", soft_wrap=True, highlight=False)
    if found:
        raise typer.Exit(1)
    console.print("[green]PASS[/] every call was answered as promised, within the budget")


def show_page(host: str, users: int, rate: float, seed: int) -> int:
    """Run Locust with its web page until Ctrl-C, which Locust hears as well; its exit code."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", host, "--seed", str(seed)]
    command += ["--users", str(users), "--spawn-rate", f"{rate:g}"]
    with subprocess.Popen([*command, "--web-host", WEB_ADDRESS, "--web-port", WEB_PORT]) as locust:
        while True:
            try:
                return locust.wait()
            except KeyboardInterrupt:
                continue


if __name__ == "__main__":
    typer.run(main)
