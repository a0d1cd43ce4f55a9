"""What does `argosy chaos clean` do? It undoes what runs have left behind that nobody is at work on any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mesh.canary.act.holder import operator
from mesh.chaos.commands.asking import allowed, end_with
from mesh.chaos.problems import LEAKED
from mesh.chaos.run.cleaning import clean_up
from mesh.chaos.run.labelled import labelled
from mesh.chaos.run.locks import held
from mesh.chaos.run.place import folder_of
from mesh.chaos.run.stage import staged
from mesh.chaos.site import Site
from mesh.chaos.undo import FILE, Planned, UndoLog, left_in, remembered
from mesh.chosen_cluster import NAMESPACE, Cluster, Context, meant
from mesh.local.commands.surroundings import page, progress


def clean(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is left behind, and leave it.")] = False,
    context: Context = "",
) -> None:
    """Undo what experiments have left behind: what they wrote down, here or in the cluster, and what they made there.

    Safe at any time; refused while an experiment is under way.

    \b
    argosy chaos clean
    argosy chaos clean --dry-run

    \b
    Exit codes: 0 nothing is left (or was), 4 no cluster runs, 5 something cannot be undone, 20 refused, 30 the tool
    itself failed.
    """  # noqa: D301
    end_with(cleaned(meant(context), dry_run=dry_run))


async def cleaned(cluster: Cluster, *, dry_run: bool) -> int:
    """Clean up, and the exit code that says whether anything is left. Raises Refused."""
    await allowed(cluster)
    leftovers: list[str] = []
    with progress() as told:
        async with staged(cluster, "clean", told, told.now, customers=False) as site:
            runs = await _left_behind(site)
            if dry_run:
                told.done(", ".join(runs) or "nothing is left behind")
                return 0
            async with held(site.client, (), f"{operator()} chaos clean", NAMESPACE):
                for run, planned in runs.items():
                    own = Site(cluster, site.client, site.shop, site.processes, "", run, told.now)
                    leftovers += await clean_up(own, planned, _marking(own, folder_of(cluster) / run))
                    told.done(f"cleaned up after {run}")
        told.done("something is left behind" if leftovers else "nothing is left behind")
    for leftover in leftovers:
        page().print(leftover, style="red", markup=False)
    return LEAKED if leftovers else 0


async def _left_behind(site: Site) -> dict[str, tuple[Planned, ...]]:
    """What every run has to undo, the latest first: what the cluster remembers, less what the file here knows better.

    A file alone says nothing: it may be of another cluster that was here before.
    """
    found: dict[str, tuple[Planned, ...]] = {thing.run: () for thing in await labelled(site.client, NAMESPACE)}
    for run, planned in (await remembered(site.client, NAMESPACE)).items():
        file = folder_of(site.cluster) / run / FILE
        found[run] = left_in(file) if file.exists() else planned
    return dict(sorted(found.items(), reverse=True))


def _marking(site: Site, folder: Path) -> Callable[[Planned], None]:
    """Who is told of what is undone: the run's file, when it is on this machine."""
    if (folder / FILE).exists():
        return UndoLog(site.client, folder, site.run, NAMESPACE).undone
    return lambda _: None
