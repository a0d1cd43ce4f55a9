"""How is the auditor run in a cluster? As a Job made from the suspended CronJob `auditor`.

The same as `kubectl create job --from=cronjob/auditor`: what runs, as whom and with which settings is
the manifests' business, and the auditor has its own identity in the mesh. Only the Kubernetes API is used.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from lightkube import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.models.batch_v1 import JobSpec
from lightkube.models.core_v1 import ContainerStateTerminated, ContainerStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.core_v1 import Pod
from lightkube.types import CascadeType

AUDITOR = "auditor"
"""The CronJob, and the container in its pod."""

LOOK_AGAIN_SECONDS = 0.2
KEPT_SECONDS = 600
"""How long a Job is kept if this process dies before it deletes it."""

NOT_FOUND = 404


class AuditImpossible(Exception):
    """The auditor could not be run, or said nothing; the message says why."""


@dataclass(frozen=True)
class Said:
    """What the auditor said, and its exit code."""

    report: dict[str, Any]
    exit_code: int


async def run_auditor(
    client: AsyncClient, namespace: str, *, settle: float, timeout: float, sleep: Callable[[float], Awaitable[None]]
) -> Said:
    """Run one audit and delete its Job. Raises AuditImpossible."""
    name = f"{AUDITOR}-{secrets.token_hex(4)}"
    try:
        async with asyncio.timeout(timeout):
            await client.create(await _job(client, namespace, name, settle))
            try:
                return await _outcome(client, namespace, name, sleep)
            finally:
                await client.delete(Job, name, namespace=namespace, cascade=CascadeType.BACKGROUND)
    except TimeoutError:
        raise AuditImpossible(f"the audit did not end within {timeout:.0f} s") from None
    except ApiError as error:
        raise AuditImpossible(f"the Kubernetes API refuses: {error.status.message}") from error
    except httpx2.HTTPError as error:
        raise AuditImpossible(f"the Kubernetes API does not answer: {error}") from error


async def _job(client: AsyncClient, namespace: str, name: str, settle: float) -> Job:
    try:
        template = (await client.get(CronJob, AUDITOR, namespace=namespace)).spec
    except ApiError as error:
        if error.status.code != NOT_FOUND:
            raise
        raise AuditImpossible(f"there is no CronJob {AUDITOR} in namespace {namespace}: apply the manifests") from None
    if template is None or template.jobTemplate.spec is None:
        raise AuditImpossible(f"the CronJob {AUDITOR} has no job template")
    spec: JobSpec = template.jobTemplate.spec
    for container in spec.template.spec.containers if spec.template.spec else ():
        if container.name == AUDITOR:
            container.args = ["--json", "--settle", str(settle)]
    spec.ttlSecondsAfterFinished = KEPT_SECONDS
    labels = template.jobTemplate.metadata.labels if template.jobTemplate.metadata else None
    return Job(metadata=ObjectMeta(name=name, namespace=namespace, labels=labels), spec=spec)


async def _outcome(client: AsyncClient, namespace: str, name: str, sleep: Callable[[float], Awaitable[None]]) -> Said:
    """Wait for the auditor's container, not for its pod: a sidecar may outlive it."""
    while True:
        async for pod in client.list(Pod, namespace=namespace, labels={"job-name": name}):
            if ended := _ended(pod):
                return _said(await _log(client, pod), ended)
        await sleep(LOOK_AGAIN_SECONDS)


def _ended(pod: Pod) -> ContainerStateTerminated | None:
    """How the auditor's container ended. Raises AuditImpossible when it never will."""
    status = _container(pod)
    if status and status.state and status.state.terminated:
        return status.state.terminated
    if pod.status and pod.status.phase == "Failed":
        raise AuditImpossible(f"the auditor's pod failed: {pod.status.reason} {pod.status.message}")
    waiting = status.state.waiting if status and status.state else None
    if waiting and waiting.reason and ("ImagePull" in waiting.reason or waiting.reason.endswith("Error")):
        raise AuditImpossible(f"the auditor cannot start: {waiting.reason}: {waiting.message}")
    return None


def _container(pod: Pod) -> ContainerStatus | None:
    statuses = (pod.status.containerStatuses if pod.status else None) or []
    return next((status for status in statuses if status.name == AUDITOR), None)


async def _log(client: AsyncClient, pod: Pod) -> list[str]:
    metadata = pod.metadata or ObjectMeta()
    lines = client.log(metadata.name or "", namespace=metadata.namespace, container=AUDITOR)
    return [line async for line in lines]


def _said(log: list[str], ended: ContainerStateTerminated) -> Said:
    for line in reversed(log):
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and "verdict" in report:
            return Said(report, ended.exitCode)
    last = " / ".join(line.strip() for line in log[-3:]) or "nothing"
    raise AuditImpossible(f"the auditor ended with exit code {ended.exitCode} and said: {last}")
