"""The node as a whole: its parts, what they tell each other, and how they stop together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from ipaddress import IPv4Network

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.local.node import node_object
from mesh.local.node.addresses import AddressPool
from mesh.local.node.binding import awaits_binding, bind
from mesh.local.node.claims import Claims
from mesh.local.node.config import NodeConfig
from mesh.local.node.events import EventRecorder
from mesh.local.node.following import Deleted, Listed, follow
from mesh.local.node.logs_endpoint import LogsEndpoint
from mesh.local.node.mesh_registration import MeshRegistration
from mesh.local.node.pod_record import end_leftovers
from mesh.local.node.pod_table import PodTable
from mesh.local.node.pod_worker import Tools

log = logging.getLogger(__name__)

_COMPONENT = "argosy-node"
_SHUTDOWN_GRACE = 1.5
_LOG_NOTE_SECONDS = 1.0
_RETRY_SECONDS = 0.5


class Node:
    """Runs the pods that the API gives to `config.name`."""

    def __init__(self, config: NodeConfig, client: AsyncClient, image_environment: Mapping[str, str]) -> None:
        self._config, self._client = config, client
        self._events = EventRecorder(client, component=_COMPONENT, host=config.name)
        pool = AddressPool(IPv4Network(config.pod_cidr), IPv4Network(config.egress_cidr))
        self._binding: dict[str, asyncio.Task[None]] = {}
        self._table = PodTable(Tools(config, client, self._events), pool, image_environment)

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until `stopping`; then every pod ends, quickly, and no process is left."""
        self._prepare_folders()
        if ended := end_leftovers(self._config.state_dir / "pods"):
            log.warning("killed %d processes of an earlier node", ended)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(part) for part in self._parts()]
                await stopping.wait()
                log.info("stopping")
                await self._table.close(_SHUTDOWN_GRACE)
                for task in tasks:
                    task.cancel()
        finally:
            await self._table.close(0)  # when a part failed

    def _parts(self) -> list[Coroutine[None, None, None]]:
        return [
            self._follow_pods(),
            self._events.publish(),
            Claims(self._client, self._config.state_dir / "volumes").keep_bound(),
            LogsEndpoint(self._config, self._table.container_logs).serve(),
            node_object.beat(self._client, self._config),
            self._table.note_log_sizes(_LOG_NOTE_SECONDS),
        ]

    def _prepare_folders(self) -> None:
        for folder in (self._config.socket_dir, *(self._config.state_dir / each for each in ("pods", "volumes"))):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def _follow_pods(self) -> None:
        await self._forget_entries()
        await node_object.register(self._client, self._config)
        async for news in follow(self._client, Pod):
            if isinstance(news, Listed):
                mine = [pod for pod in news.objects if self._is_mine(pod)]
                self._table.keep_only(_uid(pod) for pod in mine)
                for pod in news.objects:
                    self._see(pod)
            elif isinstance(news, Deleted):
                self._table.lose(_uid(news.object))
            else:
                self._see(news.object)

    async def _forget_entries(self) -> None:
        """No pod takes traffic yet, whatever an earlier node wrote."""
        while True:
            try:
                await MeshRegistration(self._client, self._config.name).leave_all()
            except httpx2.HTTPError as error:
                log.info("entries of an earlier node not removed yet: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    def _see(self, pod: Pod) -> None:
        if self._is_mine(pod):
            self._table.see(pod)
        elif awaits_binding(pod) and _uid(pod) not in self._binding:
            self._binding[_uid(pod)] = binding = asyncio.create_task(self._bind(pod))
            binding.add_done_callback(lambda _: self._binding.pop(_uid(pod)))

    async def _bind(self, pod: Pod) -> None:
        try:
            await bind(self._client, self._events, pod, self._config.name)
        except httpx2.HTTPError as error:
            log.warning("pod %s not bound: %s", pod.metadata and pod.metadata.name, error)

    def _is_mine(self, pod: Pod) -> bool:
        return pod.spec is not None and pod.spec.nodeName == self._config.name


def _uid(pod: Pod) -> str:
    return (pod.metadata.uid if pod.metadata else None) or ""
