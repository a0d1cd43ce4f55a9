"""What would `argosy chaos run` do? Said without doing it; only looked whether it may, and whether it can be done."""

from __future__ import annotations

from collections.abc import Sequence

from mesh.chaos.commands.asking import allowed
from mesh.chaos.problems import REFUSED
from mesh.chaos.run.conducting import Wanted, impossible
from mesh.chaos.run.locks import holders
from mesh.chaos.run.stage import staged
from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.local.commands.surroundings import page, progress


async def rehearse(cluster: Cluster, runs: Sequence[Wanted]) -> int:
    """Say for each run what would be changed; nothing is. Raises Refused."""
    await allowed(cluster)
    shown, refused = page(), False
    with progress() as told:
        async with staged(cluster, "rehearsal", told, told.now, customers=False) as site:
            for one in runs:
                shown.print(f"{one.experiment.name}, {one.order.protection}", style="bold", markup=False)
                for line in _lines(one):
                    shown.print(f"  {line}", markup=False, highlight=False)
                if reason := await impossible(site, one):
                    shown.print(f"  cannot be done here: {reason}", style="yellow", markup=False)
                for name, holder in (await holders(site.client, one.experiment.details.targets, NAMESPACE)).items():
                    refused = True
                    shown.print(f"  refused: Lease {name} is held by {holder}", style="red", markup=False)
    return REFUSED if refused else 0


def _lines(wanted: Wanted) -> list[str]:
    details, load = wanted.experiment.details, wanted.order.load
    said = [f"prepare: {change.fault} {dict(change.arguments)}" for change in details.prepare]
    said += [f"take away: {change.fault} {dict(change.arguments)}" for change in wanted.order.without]
    said.append(f"load: {', '.join(f'{getattr(load, stream):g} {stream}/s' for stream in load.streams)}")
    said.append(f"steady state: {details.steady_seconds:g} s")
    said += [f"inject: {change.fault} {dict(change.arguments)}" for change in wanted.experiment.faults]
    said.append(f"watch: {details.seconds:g} s, then remove, at most {details.recovery_seconds:g} s to recover, audit")
    said += [f"has to hold: {limit}" for limit in details.hypothesis]
    return said
