"""What a pod leaves on disk and in the API while it runs, and how it is removed after its end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from lightkube.core.async_client import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.local.absence import absence_is_fine
from mesh.local.node import pod_record, sidecar
from mesh.local.node.container import ContainerRunner
from mesh.local.node.log_files import PodLogs
from mesh.local.node.pod_plan import PodPlan


def record_of(plan: PodPlan, runners: Sequence[ContainerRunner]) -> pod_record.PodRecord:
    """Which processes run for the pod now."""
    running = {
        runner.view.name: pod_record.ContainerRecord(
            runner.process.pid, runner.process.start_time, runner.view.restarts
        )
        for runner in runners
        if runner.process is not None
    }
    addresses = plan.offer.addresses
    return pod_record.PodRecord(
        namespace=plan.metadata.namespace or "",
        name=plan.metadata.name or "",
        uid=plan.metadata.uid or "",
        pod_ip=addresses.pod,
        egress_ip=addresses.egress,
        admin_port=sidecar.ADMIN_PORT,
        status_port=sidecar.STATUS_PORT,
        containers=running,
    )


async def delete_object(client: AsyncClient, plan: PodPlan) -> None:
    """Remove the pod from the API for good, unless another has taken its name. Raises httpx2.HTTPError."""
    name, namespace = plan.metadata.name or "", plan.metadata.namespace
    with absence_is_fine():
        current = await client.get(Pod, name, namespace=namespace)
        if current.metadata and current.metadata.uid == plan.metadata.uid:
            await client.delete(Pod, name, namespace=namespace, grace_period=0)


def clean_up(plan: PodPlan, logs: PodLogs) -> None:
    """Remove the pod's files, sockets and logs; what its claims hold stays."""
    for folder in (plan.folder, plan.socket_folder):
        shutil.rmtree(folder, ignore_errors=True)
    logs.remove()
