"""What has been released, and why was it decided so? `argosy canary history`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines
from mesh.canary.journal.entry import Entry
from mesh.canary.look.history import Summary, narrated, remembered, services, table
from mesh.canary.look.report import report as report_of
from mesh.canary.problems import CanaryError, NoRun
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import page


def history(
    service: Annotated[str, typer.Argument(help="One service; without, all of them.")] = "",
    run: Annotated[str, typer.Argument(help="One run, told entry by entry.")] = "",
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.html", help="Write a report of the run (the last) on one page, with plots."
        ),
    ] = None,
    *,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """List the runs that the cluster remembers, tell one entry by entry, or write its report; checks every journal.

    \b
    argosy canary history
    argosy canary history catalog
    argosy canary history catalog RUN --json | jq 'select(.kind == "judged") | .facts.reason'
    argosy canary history catalog --report catalog.html

    \b
    Exit codes: 0 shown, 4 no cluster runs, 20 no such service or run, 30 a journal's chain is broken.
    """  # noqa: D301
    if run and not service:
        raise typer.BadParameter("a run is of a service")
    if report and not service:
        raise typer.BadParameter("a report is about one service's run: name the service")
    wish = _Wish(service, run, report, as_lines)
    end_with(_tell(meant(context), wish))


@dataclass(frozen=True)
class _Wish:
    """What is to be told, and how."""

    service: str
    run: str
    report: Path | None
    as_lines: bool


async def _tell(cluster: Cluster, wish: _Wish) -> int:
    async with opened(cluster) as client:
        names = [wish.service] if wish.service else await services(client)
        runs = [run for name in names for run in await remembered(client, name)]
    if wish.run:
        runs = [run for run in runs if run[0].run == wish.run]
    if wish.service and not runs:
        raise NoRun(f"the cluster remembers no run {wish.run or 'at all'} of {wish.service}")
    if wish.report:
        _write(report_of(runs[0]), wish.report)
    elif wish.run:
        _tell_one(runs[0], as_lines=wish.as_lines)
    else:
        _list([Summary.of(run) for run in runs], as_lines=wish.as_lines)
    return 0


def _write(text: str, file: Path) -> None:
    """Write a report where it is wanted. Raises CanaryError when that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CanaryError(f"{file}: {error.strerror}") from error
    typer.echo(f"the report is in {file}", err=True)


def _tell_one(run: Sequence[Entry], *, as_lines: bool) -> None:
    if as_lines:
        for entry in run:
            typer.echo(entry.line())
    else:
        page().print(narrated(run))


def _list(runs: Sequence[Summary], *, as_lines: bool) -> None:
    if as_lines:
        for run in runs:
            typer.echo(json.dumps(run.facts(), separators=(",", ":")))
    elif runs:
        page().print(table(runs))
    else:
        typer.echo("no canary has been run in this cluster")
