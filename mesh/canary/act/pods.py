"""How are the pods of one version? Ready, in trouble, or in the middle of a roll-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightkube import AsyncClient
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import NAMESPACE
from mesh.local.reported import ready, staying

_TROUBLES = {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "InvalidImageName"}


@dataclass(frozen=True)
class Pods:
    """One version's pods and Deployments."""

    ready: int
    troubles: tuple[str, ...] = ()
    """What keeps its containers from running: `catalog-v2-5d: CrashLoopBackOff`."""
    rolling_out: tuple[str, ...] = ()
    """Deployments whose pods are not all of the newest template."""


async def pods_of(client: AsyncClient, service: str, labels: Mapping[str, str], *, namespace: str = NAMESPACE) -> Pods:
    """The pods of the service that a subset's labels select, `{"version": "v2"}` in the shop."""
    selector: dict[str, Any] = {"app": service, **labels}
    pods = [pod async for pod in client.list(Pod, namespace=namespace, labels=selector) if staying(pod)]
    deployments = [one async for one in client.list(Deployment, namespace=namespace, labels=selector)]
    return Pods(
        ready=sum(map(ready, pods)),
        troubles=tuple(trouble for pod in pods for trouble in troubles(pod)),
        rolling_out=tuple(str(one.metadata and one.metadata.name) for one in deployments if _rolling_out(one)),
    )


def troubles(pod: Pod) -> list[str]:
    """What keeps its containers from running: `catalog-v2-5d: CrashLoopBackOff`."""
    statuses = (pod.status and pod.status.containerStatuses) or ()
    waiting = [one.state.waiting.reason for one in statuses if one.state and one.state.waiting]
    return [f"{pod.metadata and pod.metadata.name}: {reason}" for reason in waiting if reason in _TROUBLES]


def images(pod: Pod, service: str) -> list[str]:
    """What it runs, by digest where the node says it."""
    statuses = (pod.status and pod.status.containerStatuses) or ()
    return [one.imageID or one.image for one in statuses if one.name == service]


def _rolling_out(deployment: Deployment) -> bool:
    status, metadata = deployment.status, deployment.metadata
    if status is None or metadata is None:
        return False
    behind = (status.observedGeneration or 0) < (metadata.generation or 0)
    return behind or (status.updatedReplicas or 0) < (status.replicas or 0)
