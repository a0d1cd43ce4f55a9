"""How does all traffic go back to the baseline? `argosy canary rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines, DryRun, Reason, Service
from mesh.canary.commands.wishing import Deed, asking, do, rehearse
from mesh.canary.journal.state import Wish
from mesh.canary.run.requests import rollback_now
from mesh.chosen_cluster import Context, meant


def rollback(
    service: Service,
    reason: Reason = "",
    *,
    now: Annotated[
        bool, typer.Option("--now", help="At once, whoever holds the lock; needs nothing but the API server.")
    ] = False,
    dry_run: DryRun = False,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Give the baseline of SERVICE all traffic; after a promotion, the version that was replaced.

    Whoever runs the canary is asked to do it, and this waits until it is done; nobody does, then it is done here.

    \b
    argosy canary rollback catalog --reason "customers complain"
    argosy canary rollback catalog --now
    argosy canary rollback catalog --dry-run

    \b
    Exit codes: 10 rolled back, 4 no cluster runs, 20 refused: no canary, or drift, 30 the tool itself failed.
    """  # noqa: D301
    cluster = meant(context)
    if dry_run:
        end_with(rehearse(cluster, service, Wish.ROLL_BACK))
    deed: Deed = (lambda place: rollback_now(place, reason)) if now else asking(Wish.ROLL_BACK, reason)
    end_with(do(cluster, service, deed, as_lines=as_lines))
