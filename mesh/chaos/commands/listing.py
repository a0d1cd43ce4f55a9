"""What does `argosy chaos list` show? The experiments there are, and how each ended last on this cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from mesh.chaos.commands.asking import end_with
from mesh.chaos.experiment import Experiment
from mesh.chaos.experiment_file import EXPERIMENTS, all_experiments
from mesh.chaos.look.files import verdicts
from mesh.chaos.look.page import list_table
from mesh.chaos.run.conducting import Wanted, impossible
from mesh.chaos.run.place import folder_of
from mesh.chaos.run.runner import Order
from mesh.chaos.run.stage import staged
from mesh.chaos.verdict import Verdict
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.local.commands.surroundings import page, progress


def list_(
    *,
    probe: Annotated[bool, typer.Option("--probe", help="Ask the cluster which of them it cannot do.")] = False,
    context: Context = "",
) -> None:
    """Show every experiment, and how it ended last.

    \b
    argosy chaos list
    argosy chaos list --probe --context kind-argosy

    \b
    Exit codes: 0 shown, 2 an experiment's file is none, 4 no cluster runs (with --probe).
    """  # noqa: D301
    cluster, experiments = meant(context), all_experiments()
    last = {verdict.experiment: verdict for _, verdict in verdicts(folder_of(cluster)) if not verdict.control}
    if probe:
        end_with(_show_probed(cluster, experiments, last))
    page().print(list_table(experiments, last))


async def _show_probed(cluster: Cluster, experiments: Sequence[Experiment], last: Mapping[str, Verdict]) -> int:
    why: dict[str, str] = {}
    with progress() as told:
        async with staged(cluster, "list", told, told.now, customers=False) as site:
            for one in experiments:
                if reason := await impossible(site, Wanted(Order(one), EXPERIMENTS)):
                    why[one.name] = reason
    page().print(list_table(experiments, last, why))
    return 0
