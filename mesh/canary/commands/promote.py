"""How does somebody overrule the judge? `argosy canary promote`."""

from __future__ import annotations

from typing import Annotated

import typer

from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines, DryRun, Service
from mesh.canary.commands.wishing import asking, do, rehearse
from mesh.canary.journal.state import Wish
from mesh.chosen_cluster import Context, meant


def promote(
    service: Service,
    reason: Annotated[str, typer.Option(help="Why, for the journal; it must be said.", show_default=False)],
    *,
    dry_run: DryRun = False,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Give the canary of SERVICE all traffic now, without the steps and the evidence that are left.

    The old version goes on running, without traffic, so that `rollback` is quick.

    \b
    argosy canary promote catalog --reason "verified by hand; the traffic of the night is too thin to judge"

    \b
    Exit codes: 0 promoted, 2 no reason given, 4 no cluster runs, 20 refused: no canary, or drift,
    30 the tool itself failed.
    """  # noqa: D301
    cluster = meant(context)
    if dry_run:
        end_with(rehearse(cluster, service, Wish.PROMOTE))
    end_with(do(cluster, service, asking(Wish.PROMOTE, reason), as_lines=as_lines))
