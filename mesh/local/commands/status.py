"""How is the cluster? `argosy status`."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from mesh.local.addresses import addresses_of
from mesh.local.commands.surroundings import page, running, settings
from mesh.local.observation import Observer
from mesh.local.picture import Picture
from mesh.local.readiness import missing
from mesh.local.report import as_json, as_tables
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import SupervisorState


def status(
    *,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
) -> None:
    """Show the control plane, the pods and their sidecars.

    The JSON document also names every container's process by pid and start time.

    \b
    argosy status
    argosy status --json | jq '.pods[] | select(.ready | not) | .name'

    \b
    Exit codes: 0 everything is ready, 1 something is not, 4 no cluster runs.
    """  # noqa: D301
    chosen = settings()
    supervisor = running(chosen)
    picture = asyncio.run(_take(chosen, supervisor))
    if as_document:
        typer.echo(json.dumps(as_json(picture, supervisor.process), indent=2))
    else:
        page().print(as_tables(picture, with_parts=True))
    if missing(picture):
        raise typer.Exit(1)


async def _take(chosen: Settings, supervisor: SupervisorState) -> Picture:
    observer = Observer(StateFolder(chosen.state), addresses_of(chosen.instance))
    try:
        return await observer.picture(supervisor)
    finally:
        await observer.close()
