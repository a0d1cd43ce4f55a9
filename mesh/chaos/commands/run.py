"""What does `argosy chaos run` do? One experiment after the other, and it ends with the worst of their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mesh.chaos.commands.asking import allowed, end_with
from mesh.chaos.commands.choosing import chosen, wanted
from mesh.chaos.commands.rehearsal import rehearse
from mesh.chaos.commands.results import Results, exit_code
from mesh.chaos.look.page import compare_table, summary_table, verdict_table
from mesh.chaos.run.conducting import Skipped, Wanted, conduct
from mesh.chaos.verdict import Outcome, Verdict
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.local.commands.surroundings import page, progress


def run(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Experiments, or files of your own.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every experiment there is.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="The quick ones that `make test` runs.")] = False,
    control: Annotated[bool, typer.Option("--control", help="Also without the protection, which has to FAIL.")] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also with the mesh's protection alone, the app's alone, and none.")
    ] = False,
    load: Annotated[float, typer.Option(min=0.1, help="So many times the load the experiment asks for.")] = 1.0,
    abort_above: Annotated[
        float | None,
        typer.Option("--abort-above", min=0, max=1, help="End early when a larger share of calls fails for 3 s."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every verdict to this file.")] = None,
    tries: Annotated[int, typer.Option(min=1, help="How often an INVALID run is done, in all: machines are busy.")] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and whether it can be.")] = False,
    context: Context = "",
) -> None:
    """Measure the steady state under load, inject, prove it, judge, remove, prove that, wait, and audit the books.

    Ctrl-C ends the experiment and undoes everything; a second one leaves that to the watchdog, a process of its own
    that was started before anything was changed.

    \b
    argosy chaos run payments-slow
    argosy chaos run payments-slow catalog-killed --control
    argosy chaos run payments-slow --compare
    argosy chaos run --all --json reports/chaos.json --tries 3
    argosy chaos run my-experiment.yaml --load 2 --abort-above 0.5

    \b
    Exit codes: 0 PASS, 1 FAIL, 2 wrong usage, 3 INVALID, 4 ABORTED, or no cluster runs, 5 LEAKED, 20 refused, 30 the
    tool itself failed. Of several the worst; a control that does not FAIL is INVALID.
    """  # noqa: D301
    if bool(names) + everything + fast != 1:
        raise typer.BadParameter("name experiments, or say --all or --fast")
    runs = wanted(
        chosen(names or (), everything=everything, fast=fast),
        control=control,
        compare=compare,
        factor=load,
        abort_above=abort_above,
    )
    cluster = meant(context)
    if dry_run:
        end_with(rehearse(cluster, runs))
    end_with(_run(cluster, runs, _Options(tries, json_file, compare)))


@dataclass(frozen=True)
class _Options:
    """What is said of all runs."""

    tries: int
    json_file: Path | None
    compare: bool


async def _run(cluster: Cluster, runs: Sequence[Wanted], options: _Options) -> int:
    await allowed(cluster)
    results, shown = Results(), page()
    for one in runs:
        found = await _tried(cluster, one, options.tries, results, shown)
        if isinstance(found, Skipped):
            results.skipped[f"{found.experiment}, {found.protection}"] = found.reason
            shown.print(f"SKIPPED {found.experiment}: {found.reason}", style="yellow", markup=False)
        else:
            results.verdicts.append(found)
        if options.json_file:
            results.write_json(options.json_file)
        if isinstance(found, Verdict) and found.outcome in {Outcome.ABORTED, Outcome.LEAKED}:
            break
    _show(results, shown, compare=options.compare)
    return exit_code(results.verdicts)


async def _tried(cluster: Cluster, wanted: Wanted, tries: int, results: Results, shown: Console) -> Verdict | Skipped:
    """One run, again while it proves nothing and there are tries left."""
    while True:
        with progress() as told:
            told.done(f"{wanted.experiment.name}, {wanted.order.protection}: {wanted.experiment.title}")
            found = await conduct(cluster, wanted, told)
        if isinstance(found, Skipped):
            return found
        shown.print(verdict_table(found))
        tries -= 1
        if found.outcome is not Outcome.INVALID or not tries:
            return found
        results.repeated.append(found)
        shown.print("INVALID proves nothing: once more", style="yellow")


def _show(results: Results, shown: Console, *, compare: bool) -> None:
    if compare:
        for name in dict.fromkeys(one.experiment for one in results.verdicts):
            shown.print(compare_table([(one.protection, one) for one in results.verdicts if one.experiment == name]))
    if len(results.verdicts) + len(results.skipped) > 1:
        shown.print(summary_table(results.verdicts, results.skipped))
