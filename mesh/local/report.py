"""How is a picture of the cluster shown? As tables for people, as one JSON document for programs."""

from __future__ import annotations

from textwrap import shorten
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mesh.local.picture import Picture, PodPicture
from mesh.local.process_identity import ProcessId
from mesh.local.progress import as_minutes
from mesh.local.readiness import missing, missing_replicas
from mesh.local.supervisor_state import PartState

_DETAIL = 120
"""Letters of what Envoy says in a table; the whole is in the JSON document."""


def as_json(picture: Picture, supervisor: ProcessId | None = None) -> dict[str, Any]:
    """The document of `argosy status --json`: everything the tables show, and every process by pid and start time.

    On a cluster that is not this machine's own there are no processes, and no supervisor.
    """
    return {
        "ready": not missing(picture),
        "missing": missing(picture),
        "supervisor": supervisor and {"pid": supervisor.pid, "start_time": supervisor.started},
        "parts": [_part(part, picture.taken_at) for part in picture.parts],
        "deployments": [vars(deployment) for deployment in picture.deployments],
        "pods": [_pod(pod) for pod in picture.pods],
        "sidecars": {
            "total": sum(pod.sync is not None for pod in picture.pods),
            "synced": sum(pod.sync is not None and pod.sync.synced for pod in picture.pods),
            "rejected": sum(pod.rejected for pod in picture.pods if pod.rejected is not None),
            "silent": sum(pod.sync is not None and pod.rejected is None for pod in picture.pods),
        },
    }


def _part(part: PartState, now: float) -> dict[str, Any]:
    return {
        "name": part.name,
        "phase": part.phase,
        "works": part.works,
        "pid": part.process.pid if part.process else None,
        "start_time": part.process.started if part.process else None,
        "restarts": part.restarts,
        "seconds_in_phase": round(now - part.since, 1),
        "log": str(part.log),
    }


def _pod(pod: PodPicture) -> dict[str, Any]:
    return {
        "namespace": pod.namespace,
        "name": pod.name,
        "version": pod.version,
        "phase": pod.phase,
        "ready": pod.ready,
        "ending": pod.ending,
        "reason": pod.reason,
        "restarts": pod.restarts,
        "identity": pod.identity,
        "address": pod.address,
        "node": pod.node,
        "age_seconds": round(pod.age_seconds, 1),
        "containers": [vars(container) for container in pod.containers],
        "sidecar": {"synced": pod.sync.synced, "detail": pod.sync.detail, "rejected": pod.rejected}
        if pod.sync
        else None,
    }


def as_tables(picture: Picture, *, with_parts: bool) -> RenderableType:
    """The tables of `argosy status`, without the control plane for `argosy up`."""
    shown: list[RenderableType] = [_parts_table(picture)] if with_parts else []
    shown.append(Text(picture.problem, style="red") if picture.problem else _pods_table(picture))
    shown += [Text(f" {lacking}", style="yellow") for lacking in missing_replicas(picture)]
    return Group(*shown)


def _parts_table(picture: Picture) -> Table:
    table = Table("control plane", "state", "pid", "restarts", "since", box=None, header_style="bold")
    for part in picture.parts:
        state = Text(part.phase, style="green" if part.works else "yellow")
        pid = str(part.process.pid) if part.process else ""
        table.add_row(part.name, state, pid, str(part.restarts), as_minutes(picture.taken_at - part.since))
    return table


def _pods_table(picture: Picture) -> Table:
    table = Table(box=None, header_style="bold")
    nodes = any(pod.node is not None for pod in picture.pods)
    place = "node" if nodes else "address"
    for column in ("pod", "version", "ready", "restarts", "sidecar", "identity", place, "uptime"):
        # Names and identities are for copying: rather on two lines than cut.
        table.add_column(column, overflow="fold")
    for pod in sorted(picture.pods, key=lambda pod: (pod.namespace, pod.name)):
        table.add_row(
            pod.name, pod.version, _readiness(pod), str(pod.restarts), _sidecar(pod), pod.identity,
            pod.node if nodes else pod.address, as_minutes(pod.age_seconds),
        )  # fmt: skip
    return table


def _readiness(pod: PodPicture) -> Text:
    ready = sum(container.ready for container in pod.containers)
    count = f"{ready}/{len(pod.containers)}"
    if pod.ending:
        return Text(f"{count} ending", style="dim")
    if pod.phase in {"Succeeded", "Failed"}:
        return Text(pod.phase, style="dim" if pod.phase == "Succeeded" else "red")
    return Text(count if pod.ready else f"{count} {pod.phase}", style="green" if pod.ready else "yellow")


def _sidecar(pod: PodPicture) -> Text:
    if pod.sync is None:
        return Text("none", style="dim")
    if not pod.sync.synced:
        return Text(
            shorten(pod.sync.detail, _DETAIL, placeholder=" ..."), style="red" if pod.sync.refuses else "yellow"
        )
    if pod.node is not None:  # what it has rejected is in what istiod says
        return Text(pod.sync.detail, style="yellow") if pod.sync.detail else Text("synced", style="green")
    if pod.rejected is None:
        return Text("does not answer", style="yellow")
    return Text(f"refused {pod.rejected} before", style="yellow") if pod.rejected else Text("synced", style="green")
