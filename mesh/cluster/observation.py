"""How does the shop look on a cluster? One picture of its Deployments, pods and sidecars. Only read, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from httpx2 import HTTPError
from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import PodSpec, PodStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import NAMESPACE
from mesh.cluster import istiod
from mesh.cluster.istiod import Istiods
from mesh.kube_client import opened
from mesh.kubectl import Kubectl
from mesh.local.observation import SIDECAR
from mesh.local.picture import ContainerPicture, Picture, PodPicture
from mesh.local.reported import deployment_picture, ended, pod_picture, proxy_of
from mesh.local.sync import NOT_CONNECTED, Sync


class Observer:
    """Takes pictures of the shop on one cluster."""

    def __init__(self, client: AsyncClient, istiods: Istiods) -> None:
        self._client, self._istiods = client, istiods

    async def picture(self) -> Picture:
        """What there is now; what does not answer is described, not raised."""
        try:
            pods = [pod async for pod in self._client.list(Pod, namespace=NAMESPACE)]
            deployments = [found async for found in self._client.list(Deployment, namespace=NAMESPACE)]
        except (ApiError, HTTPError) as error:
            return Picture((), problem=f"the API does not answer: {error or type(error).__name__}")
        if not deployments:
            return Picture((), problem=f"namespace {NAMESPACE} has no Deployments; `argosy deploy` brings the shop")
        syncs = await self._istiods.syncs()
        return Picture(
            (),
            tuple(deployment_picture(deployment) for deployment in deployments),
            tuple(picture_of(pod, syncs) for pod in pods),
        )


@asynccontextmanager
async def observer(kubectl: Kubectl) -> AsyncIterator[Observer]:
    """An observer of kubectl's cluster, while the block runs."""
    async with opened(kubectl.cluster) as client, istiod.reached(client, kubectl) as istiods:
        yield Observer(client, istiods)


def picture_of(pod: Pod, syncs: Mapping[str, Sync] | None) -> PodPicture:
    """One pod; `syncs` is what the istiods say, None when they were not asked."""
    spec, status = pod.spec or PodSpec(containers=[]), pod.status or PodStatus()
    containers = tuple(_containers(spec, status))
    sidecar = None if ended(pod) else next((container for container in containers if container.name == SIDECAR), None)
    sync = _sync(syncs, proxy_of(pod), sidecar) if sidecar else None
    return pod_picture(pod, containers, sync, node=spec.nodeName or "")


def _containers(spec: PodSpec, status: PodStatus) -> Iterator[ContainerPicture]:
    """The containers that are there to stay: a native sidecar is an init container that is always restarted."""
    native = {container.name for container in spec.initContainers or () if container.restartPolicy == "Always"}
    reported = [one for one in status.initContainerStatuses or () if one.name in native]
    for one in [*(status.containerStatuses or ()), *reported]:
        yield ContainerPicture(one.name, None, None, one.ready, one.restartCount)


def _sync(syncs: Mapping[str, Sync] | None, proxy: str, sidecar: ContainerPicture) -> Sync:
    if syncs is None:  # a sidecar is ready when it has been sent something once
        return Sync(synced=sidecar.ready, detail="istiod cannot be asked" if sidecar.ready else "not ready")
    return syncs.get(proxy, NOT_CONNECTED)
