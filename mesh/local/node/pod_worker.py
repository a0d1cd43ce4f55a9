"""The life of one pod: files, proxy, init containers, containers; then its orderly end.

The end, as on a cluster and in this order: no longer an endpoint, preStop, SIGTERM not before callers have
learned of it, SIGKILL when the grace period is over, then the proxy, then the pod's object.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.local.node import limits, pod_record
from mesh.local.node.config import NodeConfig
from mesh.local.node.container import ContainerRunner
from mesh.local.node.deadline import Deadline
from mesh.local.node.events import EventRecorder
from mesh.local.node.log_files import LogFile, PodLogs
from mesh.local.node.mesh_placement import MeshPlacement
from mesh.local.node.mesh_registration import MeshRegistration, workload_entry_spec
from mesh.local.node.pod_containers import PodContainers
from mesh.local.node.pod_files import PodFiles
from mesh.local.node.pod_plan import PodPlan
from mesh.local.node.pod_proxy import PodProxy
from mesh.local.node.pod_remains import clean_up, delete_object, record_of
from mesh.local.node.pod_roles import Proxy, holds_application
from mesh.local.node.pod_status_publisher import PodStatusPublisher
from mesh.local.node.status import PodView, is_ready

log = logging.getLogger(__name__)

# After a WorkloadEntry is removed: istiod's debounce, the push, and Envoy's update of its clusters, with room.
PROPAGATION_SECONDS = 1.5
_PROXY_GRACE = 5.0


class Ending(Enum):
    DELETED = "the pod is to be deleted"
    VANISHED = "the pod's object is gone"
    SHUTDOWN = "the node ends"


@dataclass(frozen=True)
class Tools:
    """What all pods of a node share."""

    config: NodeConfig
    client: AsyncClient
    events: EventRecorder


class PodWorker:
    """Runs one pod until it is ended."""

    def __init__(self, tools: Tools, plan: PodPlan) -> None:
        self.plan, self._tools = plan, tools
        self.logs = PodLogs(plan.log_folder)
        self._registration = MeshRegistration(tools.client, tools.config.name)
        self._files = PodFiles(tools.client, plan.pod, plan.offer)
        self._proxy = PodProxy(tools.client, tools.config, plan) if plan.proxy is not Proxy.NONE else None
        self._started_at = datetime.now(UTC)
        self._initialized = False
        self._failed = False
        self._news = asyncio.Event()
        self._record: pod_record.PodRecord | None = None
        self._end: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._deadline: Deadline | None = None
        entry = workload_entry_spec(plan.pod, plan.offer.addresses, plan.proxy)
        self._publisher = PodStatusPublisher(tools.client, plan.pod, self.view)
        self._placement = MeshPlacement(
            self._registration, plan.pod, entry, self._takes_traffic, self._publisher.changed
        )
        self._containers = PodContainers(plan, self._files, self._proxy, self, self._started_at)

    # What happens to it

    def update(self, pod: Pod) -> None:
        """Take note of the pod's newest object: it may be on its way out, or sooner than before."""
        if pod.metadata is None or pod.metadata.deletionTimestamp is None:
            return
        self.end(Ending.DELETED, float(pod.metadata.deletionGracePeriodSeconds or 0))

    def end(self, ending: Ending, grace: float) -> None:
        """End the pod within `grace` seconds; a later call can only make it sooner."""
        if self._deadline is None:
            self._deadline = Deadline(grace)
        self._deadline.shorten(grace)
        if not self._end.done():
            self._end.set_result(ending)
            self._news.set()

    async def run(self) -> None:
        """Run the pod to its end. Whatever happens, no process is left."""
        try:
            async with asyncio.TaskGroup() as group:
                telling = [group.create_task(each) for each in (self._placement.follow(), self._publisher.publish())]
                living = group.create_task(self._live())
                ending = await asyncio.shield(self._end)
                if ending is Ending.SHUTDOWN:  # the pod goes on under the next node: it has not come to an end
                    _cancel(telling)
                await self._wind_up(ending)
                _cancel([living, *telling])
        except Exception:
            self._failed = True
            await self._leave_mesh()
            raise
        finally:
            for runner in self._containers:
                runner.kill()
        if ending is not Ending.SHUTDOWN:
            await self._remove(ending)

    def has(self, container: str) -> bool:
        """Whether the pod has a container of this name."""
        return any(runner.view.name == container for runner in self._containers)

    def runs(self, container: str) -> bool:
        """Whether a process runs for the container now."""
        return any(runner.view.name == container and runner.process for runner in self._containers)

    # Its life

    async def _live(self) -> None:
        if self.plan.over or self._end.done():
            self._initialized = True
            return
        self._say_what_is_left_out()
        self.changed()
        async with asyncio.TaskGroup() as helpers:
            fresh = [helpers.create_task(self._files.keep_fresh())]
            if self._proxy:
                fresh.append(helpers.create_task(self._proxy.keep_fresh()))
            sidecars = [helpers.create_task(runner.run()) for runner in self._containers.sidecars]
            if await self._initialize():
                async with asyncio.TaskGroup() as group:
                    for runner in self._containers.working:
                        group.create_task(runner.run())
            await self._stop_all(self._containers.sidecars, Deadline(_PROXY_GRACE), 0.0)
            _cancel([*fresh, *sidecars])

    async def _initialize(self) -> bool:
        """Run the init containers in order; True when all did their part."""
        if holds_application(self.plan.pod):
            await self._become(lambda: all(runner.view.ready for runner in self._containers.sidecars))
        for runner in self._containers.init:
            if runner.view.stays:
                await self._become(partial(_started, runner))
            else:
                await runner.run()
                if not runner.view.succeeded:
                    return False
        self._initialized = True
        self.changed()
        return not self._end.done()

    async def _become(self, true: Callable[[], bool]) -> None:
        """Wait until something is true, or the pod is to end."""
        while not true() and not self._end.done():
            self._news.clear()
            await self._news.wait()

    # Its end

    async def _wind_up(self, ending: Ending) -> None:
        deadline = self._deadline or Deadline(0)
        quiet = 0.0 if ending is Ending.SHUTDOWN else await self._leave_mesh()
        for runner in self._containers:
            if runner.process is not None and ending is Ending.DELETED:
                self.tell(runner.view.name, "Killing", f"Stopping container {runner.view.name}")
        await self._stop_all([runner for runner in self._containers if not runner.view.stays], deadline, quiet)
        await self._stop_all(self._containers.sidecars, deadline, 0.0)

    async def _leave_mesh(self) -> float:
        """Take the pod out of its callers' view; how long they need to learn of it, in seconds."""
        quiet = PROPAGATION_SECONDS if self._placement.entered else 0.0
        self._publisher.changed()
        try:
            await self._placement.settle()
        except httpx2.HTTPError as error:
            log.warning("%s ends without being taken out of the mesh: %s", self.plan.metadata.name, error)
        if self._proxy and quiet:
            await self._proxy.drain()
        return quiet

    async def _remove(self, ending: Ending) -> None:
        try:
            if ending is Ending.DELETED:
                await self._publisher.write_now()
                await delete_object(self._tools.client, self.plan)
            await self._registration.forget(self.plan.pod)
        finally:
            clean_up(self.plan, self.logs)

    async def _stop_all(self, runners: list[ContainerRunner], deadline: Deadline, quiet: float) -> None:
        await asyncio.gather(*(runner.stop(deadline, quiet_for=quiet) for runner in runners))

    # What it tells others

    def view(self) -> PodView:
        """The pod as it is now."""
        return PodView(
            pod_ip=self.plan.offer.addresses.pod,
            host_ip=self.plan.offer.host_address,
            started_at=self._started_at,
            restart_policy=self.plan.restart_policy,
            init_containers=[runner.view for runner in self._containers.init],
            containers=[runner.view for runner in self._containers.named],
            proxy_ready=self._containers.proxy_ready,
            initialized=self._initialized,
            in_mesh=self._placement.entered,
            terminating=self._end.done() or self._failed,
        )

    def _takes_traffic(self) -> bool:
        return is_ready(self.view())

    def changed(self) -> None:
        self._write_record()
        self._placement.changed()
        self._publisher.changed()
        self._news.set()

    def _write_record(self) -> None:
        record = record_of(self.plan, list(self._containers))
        if record == self._record:
            return
        try:
            pod_record.write(self._tools.config.state_dir / "pods", record)
        except OSError as error:  # a full disk must not end a pod that runs
            log.warning("record of %s not written: %s", record.name, error)
        else:
            self._record = record

    def tell(self, container: str, reason: str, message: str, *, warning: bool = False) -> None:
        self._tools.events.record(self.plan.pod, reason, message, warning=warning, container=container)

    def log_file(self, container: str, restarts: int) -> LogFile:
        return self.logs.begin(container, restarts, time.time())

    def _say_what_is_left_out(self) -> None:
        seen_before = self.plan.pod.status and self.plan.pod.status.startTime
        if self.plan.pod.spec and not seen_before and (left := limits.left_out(self.plan.pod.spec)):
            self._tools.events.record(self.plan.pod, "NotSupported", left.sentence, warning=left.serious)


def _started(runner: ContainerRunner) -> bool:
    return runner.view.started


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
