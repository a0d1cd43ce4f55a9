"""How does a command run something inside the mesh? As a Job made from a suspended CronJob.

The same as `kubectl create job --from=cronjob/NAME`: what runs, as whom and with which settings is the
manifests' business, and it has its own identity in the mesh. Only the Kubernetes API is used.
"""

from __future__ import annotations

import secrets
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lightkube import AsyncClient
from lightkube.models.batch_v1 import CronJobSpec, JobSpec
from lightkube.models.core_v1 import ContainerState
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.core_v1 import Event, Pod
from lightkube.types import CascadeType

from mesh.kube_problems import told_as
from mesh.last_lines import whole_log
from mesh.local.absence import absence_is_fine

LOOK_AGAIN_SECONDS = 0.2
KEPT_SECONDS = 600
"""How long a Job is kept if this process dies before it deletes it."""

_FORBIDDEN = "is forbidden"  # by a quota, or by Pod Security

Sleep = Callable[[float], Awaitable[None]]


class JobImpossible(Exception):
    """It could not be run, or did not end as it should; the message says why."""


def explained() -> AbstractContextManager[None]:
    """Turn what the Kubernetes API refuses, and its silence, into JobImpossible."""
    return told_as(JobImpossible)


@dataclass(frozen=True)
class Ended:
    """What a Job said, line by line, and its exit code."""

    lines: Sequence[str]
    exit_code: int

    def last_words(self, who: str) -> str:
        """How it ended, for an error message."""
        last = " / ".join(line.strip() for line in self.lines[-3:]) or "nothing"
        return f"the {who} ended with exit code {self.exit_code} and said: {last}"


@dataclass(frozen=True)
class SuspendedJob:
    """What a suspended CronJob runs, in the container of the same name."""

    client: AsyncClient
    namespace: str
    name: str
    sleep: Sleep
    config_maps: Mapping[str, str] = field(default_factory=dict)
    """What some of its volumes hold instead of what the CronJob says, by the volume's name."""

    async def run(self, *arguments: str) -> Ended:
        """Run it to its end with `arguments`, and delete the Job, however this ends. Raises JobImpossible."""
        with explained():
            async with self._started(arguments) as job:
                while True:
                    for pod in await self._pods(job):
                        if ended := self._state(pod).terminated:
                            return Ended(await whole_log(partial(self._lines, pod), self.sleep), ended.exitCode)
                    await self.sleep(LOOK_AGAIN_SECONDS)

    async def follow(self, *arguments: str) -> AsyncGenerator[str, None]:
        """Run it with `arguments`: its lines as they are said, until it ends. Deletes the Job like `run`."""
        with explained():
            async with self._started(arguments) as job:
                async for line in self._log(await self._speaking(job), follow=True):
                    yield line

    @asynccontextmanager
    async def _started(self, arguments: Sequence[str]) -> AsyncIterator[str]:
        job = f"{self.name}-{secrets.token_hex(4)}"
        wanted = await self._job(job, arguments)
        try:
            await self.client.create(wanted)  # within: who is interrupted here does not know whether it was
            yield job
        finally:
            await self._delete(job)

    async def _delete(self, job: str) -> None:
        with absence_is_fine():
            await self.client.delete(Job, job, namespace=self.namespace, cascade=CascadeType.BACKGROUND)

    async def _job(self, job: str, arguments: Sequence[str]) -> Job:
        template = await self._template()
        if template is None or template.jobTemplate.spec is None:
            raise JobImpossible(f"the CronJob {self.name} has no job template")
        spec: JobSpec = template.jobTemplate.spec
        for container in spec.template.spec.containers if spec.template.spec else ():
            if container.name == self.name:
                container.args = list(arguments)
        for volume in (spec.template.spec.volumes if spec.template.spec else None) or ():
            if volume.configMap and volume.name in self.config_maps:
                volume.configMap.name = self.config_maps[volume.name]
        spec.ttlSecondsAfterFinished = KEPT_SECONDS
        labels = template.jobTemplate.metadata.labels if template.jobTemplate.metadata else None
        return Job(metadata=ObjectMeta(name=job, namespace=self.namespace, labels=labels), spec=spec)

    async def _template(self) -> CronJobSpec | None:
        with absence_is_fine():
            return (await self.client.get(CronJob, self.name, namespace=self.namespace)).spec
        where = f"namespace {self.namespace}: apply the manifests"
        raise JobImpossible(f"there is no CronJob {self.name} in {where}")

    async def _speaking(self, job: str) -> Pod:
        while True:
            for pod in await self._pods(job):
                state = self._state(pod)
                if state.running or state.terminated:
                    return pod
            await self.sleep(LOOK_AGAIN_SECONDS)

    async def _pods(self, job: str) -> list[Pod]:
        """The Job's pod, once there is one. Raises JobImpossible when there will be none."""
        pods = [pod async for pod in self.client.list(Pod, namespace=self.namespace, labels={"job-name": job})]
        if not pods:
            asked: dict[str, Any] = {"involvedObject.name": job, "reason": "FailedCreate"}
            async for event in self.client.list(Event, namespace=self.namespace, fields=asked):
                if _FORBIDDEN in (event.message or ""):  # anything else is tried again
                    raise JobImpossible(f"the {self.name}'s pod is refused: {event.message}")
        return pods

    def _state(self, pod: Pod) -> ContainerState:
        """The container's state, not its pod's: a sidecar may outlive it. Raises JobImpossible when it never ends."""
        statuses = (pod.status.containerStatuses if pod.status else None) or []
        before_it = (pod.status.initContainerStatuses if pod.status else None) or []
        state = next((status.state for status in statuses if status.name == self.name), None) or ContainerState()
        if state.terminated:
            return state
        if pod.status and pod.status.phase == "Failed":
            raise JobImpossible(f"the {self.name}'s pod failed: {pod.status.reason} {pod.status.message}")
        for each in [state, *(status.state for status in before_it if status.state)]:
            reason = (each.waiting.reason if each.waiting else None) or ""
            if each.waiting and ("ImagePull" in reason or reason.endswith("Error")):
                raise JobImpossible(f"the {self.name} cannot start: {reason}: {each.waiting.message}")
        return state

    async def _lines(self, pod: Pod) -> list[str]:
        return [line async for line in self._log(pod)]

    def _log(self, pod: Pod, *, follow: bool = False) -> AsyncIterable[str]:
        name = str(pod.metadata.name) if pod.metadata else ""
        return self.client.log(name, namespace=self.namespace, container=self.name, follow=follow)
