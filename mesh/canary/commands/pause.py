"""How is a canary stopped where it is? `argosy canary pause`."""

from __future__ import annotations

from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines, DryRun, Reason, Service
from mesh.canary.commands.wishing import asking, do, rehearse
from mesh.canary.journal.state import Wish
from mesh.chosen_cluster import Context, meant


def pause(
    service: Service, reason: Reason = "", *, dry_run: DryRun = False, as_lines: AsLines = False, context: Context = ""
) -> None:
    """Stop a canary where it is: the weights stay, whoever runs it ends, and `resume` goes on.

    \b
    argosy canary pause catalog --reason "lunch"

    \b
    Exit codes: 11 paused, 4 no cluster runs, 20 there is no canary to pause, 30 the tool itself failed.
    """  # noqa: D301
    cluster = meant(context)
    if dry_run:
        end_with(rehearse(cluster, service, Wish.PAUSE))
    end_with(do(cluster, service, asking(Wish.PAUSE, reason), as_lines=as_lines))
