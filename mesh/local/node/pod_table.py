"""All pods of this node and the tasks that run them. One pod's trouble never reaches another."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod

from mesh.local.node.addresses import AddressPool, PodAddresses
from mesh.local.node.log_files import LogFile
from mesh.local.node.pod_plan import plan
from mesh.local.node.pod_worker import Ending, PodWorker, Tools

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 5.0


@dataclass
class Entry:
    """One pod of the node."""

    pod: Pod
    """Its newest object."""
    addresses: PodAddresses | None = None
    worker: PodWorker | None = None
    task: asyncio.Task[None] | None = None


class PodTable:
    """Starts a worker for every pod bound here, tells it what happens to its pod, and outlives its failures."""

    def __init__(self, tools: Tools, pool: AddressPool, image_environment: Mapping[str, str]) -> None:
        self._tools, self._pool, self._image_environment = tools, pool, image_environment
        self._entries: dict[str, Entry] = {}
        self._closing = False

    def see(self, pod: Pod) -> None:
        """Run `pod` if it is new, or tell its worker that it changed."""
        uid = _metadata(pod).uid or ""
        entry = self._entries.get(uid)
        if entry is None:
            if not self._closing:
                entry = self._entries[uid] = Entry(pod)
                entry.task = asyncio.create_task(self._run(uid, entry), name=f"pod {_metadata(pod).name}")
            return
        entry.pod = pod
        if entry.worker is not None:
            entry.worker.update(pod)

    def lose(self, uid: str) -> None:
        """The pod's object is gone: end it at once."""
        entry = self._entries.get(uid)
        if entry is None or entry.task is None:
            return
        if entry.worker is not None:
            entry.worker.end(Ending.VANISHED, 0.0)
        else:
            entry.task.cancel()

    def keep_only(self, uids: Iterable[str]) -> None:
        """End every pod that is not among `uids`, and remove what pods of an earlier node left on disk."""
        wanted = set(uids)
        for uid in set(self._entries) - wanted:
            self.lose(uid)
        folder = self._tools.config.state_dir / "pods"
        for left in folder.iterdir() if folder.exists() else []:
            if left.name not in wanted and left.name not in self._entries:
                shutil.rmtree(left, ignore_errors=True)

    async def close(self, grace: float) -> None:
        """End all pods at once within `grace` seconds; their objects stay."""
        self._closing = True
        for entry in self._entries.values():
            if entry.worker is not None:
                entry.worker.end(Ending.SHUTDOWN, grace)
            elif entry.task is not None:
                entry.task.cancel()
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace + 1.0)
            for task in late:
                task.cancel()

    async def note_log_sizes(self, period: float) -> None:
        """Once in `period` seconds, for ever: what log_files needs to know when a line was written."""
        while True:
            for entry in self._entries.values():
                if entry.worker is not None:
                    entry.worker.logs.note(time.time())
            await asyncio.sleep(period)

    def container_logs(self, namespace: str, pod: str, container: str) -> PodContainerLogs | None:
        """The logs of one container; None when there is no such pod or container here."""
        for entry in self._entries.values():
            metadata = _metadata(entry.pod)
            if entry.worker and (metadata.namespace, metadata.name) == (namespace, pod):
                return PodContainerLogs(entry.worker, container) if entry.worker.has(container) else None
        return None

    async def _run(self, uid: str, entry: Entry) -> None:
        try:
            while not await self._ran_to_the_end(entry):
                entry.worker = None
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            if entry.addresses is not None:
                self._pool.give_back(entry.addresses)
            self._entries.pop(uid, None)

    async def _ran_to_the_end(self, entry: Entry) -> bool:
        try:
            addresses = entry.addresses = entry.addresses or self._pool.take(_address_before(entry.pod))
            labels = await self._namespace_labels(_metadata(entry.pod).namespace or "")
            planned = plan(entry.pod, labels, self._tools.config, addresses, self._image_environment)
            entry.worker = PodWorker(self._tools, planned)
            entry.worker.update(entry.pod)
            await entry.worker.run()
        except Exception as error:  # whatever is wrong with one pod, the others must not feel it
            log.exception("pod %s failed and is run again", _metadata(entry.pod).name)
            self._tools.events.record(entry.pod, "NodeError", f"{type(error).__name__}: {error}", warning=True)
            return False
        return True

    async def _namespace_labels(self, name: str) -> Mapping[str, str]:
        namespace = await self._tools.client.get(Namespace, name)
        return (namespace.metadata.labels if namespace.metadata else None) or {}


class PodContainerLogs:
    """One container of a worker, as the log endpoint sees it."""

    def __init__(self, worker: PodWorker, container: str) -> None:
        self._worker, self._container = worker, container

    def log(self, *, previous: bool) -> LogFile | None:
        return self._worker.logs.run(self._container, previous=previous)

    def writing(self, file: LogFile) -> bool:
        return self._worker.logs.run(self._container) is file and self._worker.runs(self._container)


def _address_before(pod: Pod) -> str | None:
    """Where the pod was when an earlier node ran it."""
    return pod.status.podIP if pod.status else None


def _metadata(pod: Pod) -> ObjectMeta:
    return pod.metadata or ObjectMeta()
