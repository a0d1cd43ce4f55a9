"""How is the shop brought to a cluster, and taken off it? `argosy deploy`, `argosy undeploy`."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from lightkube.resources.core_v1 import Service

from mesh.canary.act.overwriting import refuse_to_overwrite
from mesh.chosen_cluster import NAMESPACE, Context, meant
from mesh.cluster.observation import observer
from mesh.deploy.delivery import LOOK_EVERY, Delivery
from mesh.deploy.overlay import find, read
from mesh.deploy.page import document, tables
from mesh.deploy.problems import NoCluster, NotInTime, Refused
from mesh.gateway import SERVICE
from mesh.kube_client import opened
from mesh.kubectl import Kubectl, KubectlFailed, find_kubectl
from mesh.local.commands.surroundings import end_like_ctrl_c, page, progress, settings
from mesh.local.picture import Picture
from mesh.local.progress import Progress
from mesh.local.readiness import missing_of_pod

_DELETED_WITHIN = 300.0


def deploy(
    overlay: Annotated[str, typer.Argument(help="The name of a folder in k8s/overlays, or any folder.")] = "kind",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds until everything must be up.")] = 300.0,
    context: Context = "",
    *,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
) -> None:
    """Bring the shop to the Kubernetes cluster that KUBECONFIG names, and wait until it is up.

    Applies the overlay (what others have changed in it is changed back), makes the secrets of a development database
    that are not there yet, and waits for the database, the migrations, the roll-outs and the sidecars. The next time
    it changes what has changed in the overlay, and nothing else; weights that a canary has set are never set back.
    Interrupted, it leaves everything as it is.

    \b
    argosy deploy
    argosy deploy kind --context kind-argosy
    argosy deploy production --timeout 600

    \b
    Exit codes: 0 everything is up, 1 the manifests are refused, 2 no such overlay, or not one for a cluster,
    3 the cluster lacks something, 4 no cluster is named or answers, 6 kubectl could not be built, 7 something will not
    come up by itself, 8 not up in time, 20 a canary's weights would be lost, 130 interrupted.
    """  # noqa: D301
    end_like_ctrl_c()
    folder = find(overlay, settings().checkout)
    again = f"argosy deploy {overlay}" + (f" --context {context}" if context else "")
    began = time.monotonic()
    with progress() as told:
        kubectl = _kubectl(context, told)
        try:
            done = asyncio.run(_deploy(folder, kubectl, told, again, began + timeout))
        except KeyboardInterrupt:
            told.done(f"interrupted: nothing is taken back. Go on with `{again}`, or end it with `argosy undeploy`")
            raise
    seconds = time.monotonic() - began
    if as_document:
        typer.echo(json.dumps(document(done.picture, done.gateway, done.changed, seconds), indent=2))
    else:
        page().print(tables(done.picture, done.gateway, context))


@dataclass(frozen=True)
class _Done:
    """What has come of a deployment."""

    changed: list[str]
    picture: Picture
    gateway: Service


async def _deploy(folder: Path, kubectl: Kubectl, told: Progress, again: str, until: float) -> _Done:
    def time_is_over() -> bool:
        return time.monotonic() > until

    told.now(f"building {folder}")
    try:
        overlay = read(folder, await kubectl.run("kustomize", str(folder)))
    except KubectlFailed as error:
        raise Refused(str(error)) from error
    delivery = Delivery(overlay, kubectl, told, again)
    await delivery.check()
    async with opened(kubectl.cluster) as client:
        await refuse_to_overwrite(client, overlay.objects, namespace=overlay.namespace)
        changed = await delivery.apply(time_is_over)
        await delivery.wait(client, time_is_over)
        gateway = await client.get(Service, SERVICE, namespace=overlay.namespace)
    picture = await _synced(kubectl, told, again, until)
    told.done("every sidecar synced" + ("" if changed else "; there was nothing to do"))
    return _Done(changed, picture, gateway)


async def _synced(kubectl: Kubectl, told: Progress, again: str, until: float) -> Picture:
    """The picture in which every pod and sidecar is as it should be; those that are just ending do not count."""
    async with observer(kubectl) as eyes:
        while True:
            picture = await eyes.picture()
            left = [problem for pod in picture.pods if not pod.ending and (problem := missing_of_pod(pod))]
            if not left:
                return picture
            told.now(f"sidecars: {len(left)} to go: {left[0]}")
            if time.monotonic() > until:
                raise NotInTime(f"sidecars are not synced in time: {'; '.join(left)}. Look again with `{again}`")
            await asyncio.sleep(LOOK_EVERY)


def undeploy(
    context: Context = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the shop off the cluster: its namespace with all that is in it, databases and passwords included.

    \b
    argosy undeploy
    argosy undeploy --yes --context kind-argosy

    \b
    Exit codes: 0 it is not there (any more), 1 it could not be removed, or it was declined, 4 no cluster is named or
    answers, 130 interrupted.
    """  # noqa: D301
    end_like_ctrl_c()
    with progress() as told:
        kubectl = _kubectl(context, told)
    where = f"namespace {NAMESPACE} of context {kubectl.cluster.name}"
    if not yes:
        typer.confirm(f"Delete {where}, with its databases? Nothing is kept.", abort=True)
    with progress() as told:
        told.now(f"deleting {where}")
        said = asyncio.run(_delete(kubectl))
        told.done(f"deleted {where}; nothing of it is kept" if said else f"there is no {where}")


async def _delete(kubectl: Kubectl) -> bool:
    """Whether there was a namespace to delete; it is gone then. Raises KubectlFailed."""
    arguments = ("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait")
    return bool((await kubectl.run(*arguments, within=_DELETED_WITHIN)).strip())


def _kubectl(context: str, told: Progress) -> Kubectl:
    """Kubectl for the cluster that is meant. Raises NoCluster when it is the local one, or none."""
    cluster = meant(context)
    if cluster.local:
        raise NoCluster(
            "this is about a Kubernetes cluster, and none is named: export KUBECONFIG=~/.kube/config, or add"
            " --context NAME. The local cluster is started and stopped with `argosy up` and `argosy down`"
        )
    told.now(f"context {cluster.name} at {cluster.server}")
    return find_kubectl(cluster, settings(), told)
