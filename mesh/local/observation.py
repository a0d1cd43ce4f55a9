"""How does the cluster look? One picture of it: parts, pods, their processes and sidecars. Only read, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import aiohttp
from httpx2 import HTTPError
from lightkube import AsyncClient, KubeConfig
from lightkube.models.core_v1 import PodStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.local.addresses import Addresses
from mesh.local.node.pod_record import ContainerRecord, PodRecord, read_all
from mesh.local.picture import ContainerPicture, Picture, PodPicture
from mesh.local.process_identity import ProcessId
from mesh.local.reported import deployment_picture, pod_picture, proxy_of
from mesh.local.sidecars import ask_istiod, count_all_rejected
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import SupervisorState
from mesh.local.sync import NOT_CONNECTED, Sync

ALL_NAMESPACES = "*"
SIDECAR = "istio-proxy"
_TIMEOUT = aiohttp.ClientTimeout(total=2)


class Observer:
    """Takes pictures of one running cluster; keeps its connections between them."""

    def __init__(self, folder: StateFolder, addresses: Addresses) -> None:
        self._folder = folder
        self._addresses = addresses
        config = KubeConfig.from_file(folder.kubeconfig)
        self._api = AsyncClient(config, trust_env=False)
        self._http = aiohttp.ClientSession(timeout=_TIMEOUT)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        await self._api.close()

    async def picture(self, supervisor: SupervisorState) -> Picture:
        """What there is now; what does not answer is described, not raised."""
        parts = tuple(supervisor.parts.values())
        try:
            async with asyncio.timeout(_TIMEOUT.total):
                pods = [pod async for pod in self._api.list(Pod, namespace=ALL_NAMESPACES)]
                deployments = [found async for found in self._api.list(Deployment, namespace=ALL_NAMESPACES)]
        except (HTTPError, TimeoutError) as error:
            return Picture(parts, problem=f"the API does not answer: {error or type(error).__name__}")
        records = {record.uid: record for record in read_all(self._folder.pods)}
        syncs = await ask_istiod(self._http, self._addresses.istiod_http)
        rejected = await count_all_rejected(self._http, _admin_addresses(records))
        return Picture(
            parts,
            tuple(deployment_picture(deployment) for deployment in deployments),
            tuple(_pod_picture(pod, records.get(_uid(pod)), syncs, rejected) for pod in pods),
        )


def _uid(pod: Pod) -> str:
    return (pod.metadata and pod.metadata.uid) or ""


def _admin_addresses(records: Mapping[str, PodRecord]) -> dict[str, str]:
    return {
        uid: f"{record.pod_ip}:{record.admin_port}" for uid, record in records.items() if SIDECAR in record.containers
    }


def _pod_picture(
    pod: Pod, record: PodRecord | None, syncs: Mapping[str, Sync], rejected: Mapping[str, int | None]
) -> PodPicture:
    processes = _living(record)
    sync = syncs.get(proxy_of(pod), NOT_CONNECTED) if SIDECAR in processes else None
    containers = _containers(pod.status or PodStatus(), processes)
    return pod_picture(pod, containers, sync, rejected=rejected.get(_uid(pod)))


def _living(record: PodRecord | None) -> dict[str, ContainerRecord]:
    recorded = record.containers if record else {}
    return {name: each for name, each in recorded.items() if ProcessId(each.pid, each.start_time).alive()}


def _containers(status: PodStatus, processes: Mapping[str, ContainerRecord]) -> Iterator[ContainerPicture]:
    reported = {container.name: container for container in status.containerStatuses or ()}
    for name in dict.fromkeys([*reported, *processes]):
        process, container = processes.get(name), reported.get(name)
        # The API does not know of the sidecar that the node has added.
        ready = container.ready if container else process is not None
        restarts = container.restartCount if container else process.restarts if process else 0
        pid, start_time = (process.pid, process.start_time) if process else (None, None)
        yield ContainerPicture(name, pid, start_time, ready, restarts)
