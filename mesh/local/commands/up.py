"""How does a cluster start? `argosy up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesh.local.commands.surroundings import end_like_ctrl_c, page, progress, settings, tell_which_cluster
from mesh.local.report import as_tables
from mesh.local.up import Wanted
from mesh.local.up import up as bring_up

DEFAULT_MANIFESTS = Path("k8s/overlays/local")


def up(
    manifests: Annotated[Path, typer.Option(help="The kustomization to apply.")] = DEFAULT_MANIFESTS,
    timeout: Annotated[float, typer.Option(help="Seconds until everything must be ready.", min=1)] = 120.0,
    *,
    apply: Annotated[bool, typer.Option(help="Apply the manifests; without, only the control plane starts.")] = True,
) -> None:
    """Start the local cluster, apply the manifests, and wait until every pod is Ready and every sidecar is synced.

    Builds missing programs first (some minutes, once). On a running cluster it applies and waits;
    weights that a canary has set are never set back.

    \b
    argosy up
    argosy up --manifests my/overlay --timeout 300

    \b
    Exit codes: 0 ready, 1 manifests refused, 3 another `argosy up` or `down` is at work, 5 a port is taken,
    6 a program could not be built, 7 a part does not stay up, 8 not ready in time, 20 a canary's weights would be lost,
    130 interrupted.
    """  # noqa: D301
    chosen = settings()
    end_like_ctrl_c()
    folder = manifests if manifests.is_absolute() or manifests.exists() else chosen.checkout / manifests
    with progress() as told:
        tell_which_cluster(told)
        picture = bring_up(chosen, Wanted(folder.absolute() if apply else None, timeout), told)
    if picture:
        page().print(as_tables(picture, with_parts=False))
