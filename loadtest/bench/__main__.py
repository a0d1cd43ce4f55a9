"""What does it cost, and does every promise hold? `python -m loadtest.bench [--only NAME]`, called by `make bench`.

Exit codes: 0 every row holds, 1 one does not or could not be measured, 2 wrong usage.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from loadtest.bench import (
    amplification,
    canary,
    catalog,
    cluster,
    generator,
    mesh,
    naive,
    overload,
    page,
    placing,
    resilience,
    routes,
    tracing,
)
from loadtest.bench.local_cluster import running_cluster
from loadtest.bench.row import BenchUnavailable, Row

Bench = Callable[[Callable[[str], None]], Awaitable[list[Row]]]
BENCHES: dict[str, Bench] = {
    "cluster": cluster.measure,  # these two first: they need a machine on which no cluster runs
    "placing": placing.measure,
    "generator": generator.measure,
    "resilience": resilience.measure,
    "naive": naive.measure,
    "tracing": tracing.measure,
    "overload": overload.measure,
    "catalog": catalog.measure,
    "page": page.measure,
    "mesh": mesh.measure,
    "routes": routes.measure,
    "amplification": amplification.measure,
    "canary": canary.measure,
}
INSIDE = {"page", "mesh", "routes", "amplification", "canary"}  # these share one running cluster

Only = Annotated[list[str] | None, typer.Option(help=f"one of {', '.join(BENCHES)}; may be repeated")]
Json = Annotated[Path, typer.Option("--json", help="where to write the rows")]


async def measure(benches: Mapping[str, Bench], console: Console) -> tuple[list[Row], list[str]]:
    """The rows of these benches, and what could not be measured."""
    rows: list[Row] = []
    missing: list[str] = []
    with console.status("") as status:
        async with AsyncExitStack() as stack:
            shared = False
            for name, bench in benches.items():

                def say(text: str, name: str = name) -> None:
                    status.update(f"{name}: {text}")
                    if not console.is_terminal:
                        console.print(f"{name}: {text}", style="dim")

                try:
                    if name in INSIDE and not shared:
                        await stack.enter_async_context(running_cluster(say))
                        shared = True
                    rows += await bench(say)
                except BenchUnavailable as error:
                    missing.append(f"{name}: {error}")
    return rows, missing


def table(rows: Sequence[Row]) -> Table:
    """One line per row."""
    shown = Table("what", title="bench", title_justify="left")
    for heading in ("measured", "target"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for row in rows:
        verdict = ("[green]holds[/]" if row.holds else "[red]does not hold[/]") if row.target else ""
        shown.add_row(row.name, f"{row.value:g} {row.unit}", row.target, verdict)
    return shown


def main(only: Only = None, json_file: Json = Path("reports/bench.json")) -> None:
    """Measure, print a table, write the rows."""
    if unknown := set(only or ()) - set(BENCHES):
        raise typer.BadParameter(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    console = Console(width=None if sys.stdout.isatty() else 110)
    busy, cores = os.getloadavg()[0], os.cpu_count() or 1
    chosen = {name: bench for name, bench in BENCHES.items() if not only or name in only}
    rows, missing = asyncio.run(measure(chosen, console))
    console.print(table(rows))
    if busy > cores:
        console.print(
            f"[yellow]the machine was busy at the start (load {busy:.0f} on {cores} cores): times are not ours alone[/]"
        )
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    for reason in missing:
        console.print(f"[red]not measured[/] {reason}", highlight=False, soft_wrap=True)
    if missing or not all(row.holds for row in rows):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
