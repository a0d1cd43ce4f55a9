"""What does `argosy chaos report` show? What is kept of past runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesh.chaos.experiment_file import all_experiments
from mesh.chaos.look.failure_modes import document
from mesh.chaos.look.files import REPORT, timeline_of, verdicts
from mesh.chaos.look.overview import Ended, overview
from mesh.chaos.look.page import summary_table, verdict_table
from mesh.chaos.problems import ChaosError
from mesh.chaos.run.place import folder_of
from mesh.chosen_cluster import Context, meant
from mesh.local.commands.surroundings import page


def report(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="One run; without, all that are kept.")] = "",
    *,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write the table of failure modes to this file.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page about all of them, with their plots.")
    ] = None,
    context: Context = "",
) -> None:
    """Show how runs have ended; of one run also where its report with the timeline is.

    \b
    argosy chaos report
    argosy chaos report 20261121-154500-payments-slow
    argosy chaos report --write docs/failure-modes.md --html reports/chaos.html

    \b
    Exit codes: 0 shown, 2 wrong usage, 30 there is no such run.
    """  # noqa: D301
    runs = folder_of(meant(context))
    kept = list(verdicts(runs))
    if write:
        write.write_text(document(all_experiments(), [verdict for _, verdict in kept]), encoding="utf-8")
    if html:
        ended = [Ended(verdict, timeline_of(folder)) for folder, verdict in kept]
        html.write_text(overview(all_experiments(), ended), encoding="utf-8")
    if write or html:
        return
    shown = page()
    if not run:
        shown.print(summary_table([verdict for _, verdict in kept]))
        return
    for folder, verdict in kept:
        if folder.name == run:
            shown.print(verdict_table(verdict))
            shown.print(f"timeline: {folder / REPORT}", markup=False, highlight=False)
            return
    raise ChaosError(f"nothing is kept of a run {run} in {runs}")
