"""How do the canaries stand? `argosy canary status`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from mesh.canary.act.lease import Holding, Lease
from mesh.canary.commands.asking import end_with
from mesh.canary.commands.options import AsLines
from mesh.canary.journal.entry import Entry
from mesh.canary.journal.keeping import Journals
from mesh.canary.journal.state import Phase, State, fold
from mesh.canary.look.following import follow, latest
from mesh.canary.look.history import Summary, services, table
from mesh.canary.look.page import page as run_page
from mesh.canary.look.view import view
from mesh.canary.look.watched import Watched
from mesh.canary.problems import INCONCLUSIVE
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import page


def status(
    service: Annotated[str, typer.Argument(help="One service; without, every one with a canary.")] = "",
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until it ends, or Ctrl-C.")] = False,
    as_lines: AsLines = False,
    context: Context = "",
) -> None:
    """Show how far a canary is, what was measured, and what was decided, whoever runs it and from where.

    \b
    argosy canary status
    argosy canary status catalog --watch
    argosy canary status --json | jq -r 'select(.ended | not) | .service'

    \b
    Exit codes: 0 shown, 4 no cluster runs, 20 the service has no canary, 30 it cannot be told;
    with --watch as of `argosy canary start`; 130 interrupted.
    """  # noqa: D301
    if watch and not service:
        raise typer.BadParameter("--watch follows one service: name it")
    cluster = meant(context)
    end_with(_watch(cluster, service, as_lines=as_lines) if watch else _show(cluster, service, as_lines=as_lines))


async def _watch(cluster: Cluster, service: str, *, as_lines: bool) -> int:
    state = State()
    async with opened(cluster) as client:
        with view(page(), time.time, as_lines=as_lines) as shown:
            async for entry in follow(Journals(client, service), asyncio.sleep):
                state = state.after(entry)
                shown.heard(entry)
    return state.exit_code if state.phase is Phase.ENDED else INCONCLUSIVE


async def _show(cluster: Cluster, service: str, *, as_lines: bool) -> int:
    async with opened(cluster) as client:
        runs = [
            (name, (await latest(Journals(client, name))).entries, await Lease(client, name).look())
            for name in ([service] if service else await services(client))
        ]
    for name, entries, holding in runs:
        if as_lines:
            typer.echo(json.dumps(_facts(entries, holding), separators=(",", ":")))
        elif service:
            page().print(_page(entries), Text(_hands(name, holding)))
    if not as_lines and not service:
        page().print(table([Summary.of(entries) for _, entries, _ in runs]) if runs else "no canary has been run here")
    return 0


def _facts(entries: Sequence[Entry], holding: Holding | None) -> dict[str, Any]:
    """The run as one JSON object: its summary, how far it is, and who has it in hand."""
    state = fold(entries)
    held_by = holding.holder if holding and not holding.free else ""
    return {
        **Summary.of(entries).facts(),
        "phase": state.phase,
        "step": state.step + 1,
        "weights": dict(state.weights),
        "held_by": held_by,
    }


def _page(entries: Sequence[Entry]) -> RenderableType:
    run = Watched()
    for entry in entries:
        run.heard(entry)
    return run_page(run, entries[-1].at)


def _hands(service: str, holding: Holding | None) -> str:
    if holding is None or not holding.holder:
        return f"nobody is at work on {service}"
    if holding.free:
        return f"{holding.holder} was at work on it and is no more: argosy canary resume {service}"
    return f"{holding.holder} is at work on it"
