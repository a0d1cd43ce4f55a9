"""How does a canary go on that was paused, or whose runner was killed? `argosy canary resume`."""

from __future__ import annotations

import typer

from mesh.canary.commands.asking import end_with
from mesh.canary.commands.ending import exit_code, what_now
from mesh.canary.commands.options import AsLines, DryRun, Prometheus, Service, Steal, Unattended
from mesh.canary.commands.session import pausing, placed, source_of
from mesh.canary.commands.wishing import rehearse
from mesh.canary.journal.keeping import Journals
from mesh.canary.journal.state import Wish
from mesh.canary.look.following import latest
from mesh.canary.run.resuming import resume as run_resume
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.kube_client import opened


def resume(
    service: Service,
    prometheus: Prometheus = "",
    steal: Steal = "",
    *,
    unattended: Unattended = False,
    dry_run: DryRun = False,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Go on with the canary of SERVICE where its journal ends, after a pause or after its process was killed.

    The plan is the one it started with.

    \b
    argosy canary resume catalog
    argosy canary resume catalog --steal "alice's laptop is asleep"

    \b
    Exit codes: as of `argosy canary start`; 20 also when there is nothing to resume.
    """  # noqa: D301
    cluster = meant(context)
    if dry_run:
        end_with(rehearse(cluster, service, Wish.RESUME))
    end_with(_resume(cluster, service, prometheus, steal, unattended=unattended, as_lines=as_lines))


async def _resume(cluster: Cluster, service: str, url: str, steal: str, *, unattended: bool, as_lines: bool) -> int:
    async with opened(cluster) as client:
        kept = await latest(Journals(client, service))
        state = kept.state
        async with (
            source_of(cluster, service, (state.baseline, state.canary), url) as source,
            placed(cluster, client, service, source, past=kept.entries, as_lines=as_lines) as place,
        ):
            with pausing(place):
                state = await run_resume(place, steal=steal, unattended=unattended)
    typer.echo(what_now(state), err=True)
    return exit_code(state)
