"""How does somebody let a canary through a manual gate? `argosy canary approve`."""

from __future__ import annotations

from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines, Reason, Service
from mesh.canary.commands.wishing import asking, do
from mesh.canary.journal.state import Wish
from mesh.chosen_cluster import Context, meant


def approve(service: Service, reason: Reason = "", *, as_lines: AsLines = False, context: Context = "") -> None:
    """Let the canary of SERVICE go on to its next step: the manual gate that waits is open once, and says by whom.

    \b
    argosy canary approve catalog --reason "the pictures look right"

    \b
    Exit codes: 0 asked for, 4 no cluster runs, 20 no gate waits, 30 the tool itself failed.
    """  # noqa: D301
    end_with(do(meant(context), service, asking(Wish.APPROVE, reason), as_lines=as_lines))
