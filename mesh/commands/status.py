"""How is the cluster? `argosy status`."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from mesh.chosen_cluster import Cluster, Context, meant
from mesh.cluster.observation import observer
from mesh.kubectl import Kubectl, find_kubectl
from mesh.local.addresses import addresses_of
from mesh.local.commands.surroundings import page, progress, running, settings
from mesh.local.observation import Observer
from mesh.local.picture import Picture
from mesh.local.process_identity import ProcessId
from mesh.local.readiness import missing
from mesh.local.report import as_json, as_tables
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import SupervisorState


def status(
    context: Context = "",
    *,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
) -> None:
    """Show the pods and their sidecars; of the local cluster the control plane as well.

    The JSON document of the local cluster also names every container's process by pid and start time.

    \b
    argosy status
    argosy status --json | jq '.pods[] | select(.ready | not) | .name'
    argosy status --context kind-argosy

    \b
    Exit codes: 0 everything is ready, 1 something is not, 4 no cluster runs, or the kubeconfig leads to none.
    """  # noqa: D301
    chosen, cluster = settings(), meant(context)
    picture, supervisor = _local(chosen) if cluster.local else (_elsewhere(chosen, cluster), None)
    if as_document:
        typer.echo(json.dumps(as_json(picture, supervisor), indent=2))
    else:
        page().print(as_tables(picture, with_parts=cluster.local))
    if missing(picture):
        raise typer.Exit(1)


def _local(chosen: Settings) -> tuple[Picture, ProcessId]:
    supervisor = running(chosen)
    return asyncio.run(_take_local(chosen, supervisor)), supervisor.process


async def _take_local(chosen: Settings, supervisor: SupervisorState) -> Picture:
    observer = Observer(StateFolder(chosen.state), addresses_of(chosen.instance))
    try:
        return await observer.picture(supervisor)
    finally:
        await observer.close()


def _elsewhere(chosen: Settings, cluster: Cluster) -> Picture:
    with progress() as told:
        kubectl = find_kubectl(cluster, chosen, told)
        told.now(f"asking {cluster.name}")
        return asyncio.run(_take(kubectl))


async def _take(kubectl: Kubectl) -> Picture:
    async with observer(kubectl) as eyes:
        return await eyes.picture()
