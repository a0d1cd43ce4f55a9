"""Who makes sure that somebody watches? Whoever runs a canary; on the local cluster by starting a process.

    python -m mesh.canary.watchdog SERVICE      with the marks of the cluster's state folder

It outlives the one who started it, which is what it is for, ends when the run has ended, and dies with `argosy down`.
Started by everybody who misses one: two that watch the same service take turns at its Lease and do no harm.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lightkube import AsyncClient

from mesh.canary.watchdog.presence import claims, sign_of_life
from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.local import outliving
from mesh.local.outliving import belonging
from mesh.local.state_folder import StateFolder

STARTS_WITHIN = 30.0
"""Seconds until a new process has given its first sign: long, because everything else may be busy."""


async def guarded(cluster: Cluster, client: AsyncClient, service: str, *, namespace: str = NAMESPACE) -> str | None:
    """Who watches the canary of `service`, started now where that can be; None: nobody does.

    Hold the service's Lease when you ask: a watchdog that is about to end, its run being over, stays when it sees that.
    """
    before = await claims(client, service, namespace)
    watcher = await sign_of_life(client, service, before, namespace=namespace) if before else None
    if watcher or not cluster.local:
        return watcher
    start(StateFolder(cluster.kubeconfig.parent), service, os.environ)
    return await sign_of_life(client, service, before, namespace=namespace, within=STARTS_WITHIN)


def start(folder: StateFolder, service: str, environ: Mapping[str, str]) -> None:
    """Start a watchdog of `service` that outlives this process and belongs to the local cluster in `folder`."""
    environment = belonging(folder.root, part(service), environ)
    process = outliving.start("mesh.canary.watchdog", service, log_of(folder, service), environment)
    # It outlives us, so there is nobody to wait for it; Popen would warn about that.
    process.returncode = 0


def part(service: str) -> str:
    """What the process is called among those of the cluster."""
    return f"canary-watchdog-{service}"


def log_of(folder: StateFolder, service: str) -> Path:
    """Where it writes what it does."""
    return folder.logs / f"{part(service)}.log"
