"""May a canary start now? `argosy canary doctor`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from mesh.canary.act.examining import examine
from mesh.canary.act.preconditions import Finding, Level
from mesh.canary.act.routing import Routing
from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines, From, Prometheus, Service, To
from mesh.canary.commands.session import source_of
from mesh.canary.commands.versions import versions
from mesh.canary.problems import REFUSED
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import page


def doctor(
    service: Service,
    *,
    from_: From = "",
    to: To = "",
    prometheus: Prometheus = "",
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Check everything that must be so before traffic is shifted, and say what to do where it is not.

    Both versions have ready pods, the route is named and unique, nobody else manages it, both versions can be
    measured, the stable one is healthy.

    \b
    argosy canary doctor catalog
    argosy canary doctor catalog --to v2 --json | jq 'select(.level == "refused")'

    \b
    Exit codes: 0 a canary may start, 4 no cluster runs, 20 it may not, 30 it cannot be told.
    """  # noqa: D301
    end_with(_examine(meant(context), service, (from_, to), prometheus, as_lines=as_lines))


async def _examine(cluster: Cluster, service: str, named: tuple[str, str], url: str, *, as_lines: bool) -> int:
    async with opened(cluster) as client:
        chosen = versions(service, (await Routing(client, service).look()).weights, *named)
        async with source_of(cluster, service, (chosen.baseline, chosen.canary), url) as source:
            found = await examine(client, service, chosen.baseline, chosen.canary, source)
    for finding in found if as_lines else ():
        typer.echo(json.dumps(asdict(finding), separators=(",", ":")))
    if not as_lines:
        page().print(findings_table(found))
    return REFUSED if any(finding.level is Level.REFUSED for finding in found) else 0


def findings_table(found: Sequence[Finding]) -> Table:
    """What was looked at, a row each."""
    shown = Table("", "what", "how it is", box=None, pad_edge=False)
    for finding in found:
        shown.add_row(Text(finding.level, style=_STYLES[finding.level]), finding.what, finding.says)
    return shown


_STYLES = {Level.GOOD: "green", Level.WARNING: "yellow", Level.REFUSED: "bold red"}
