"""Which pods are hit, and can their processes be? The ones that were hurt least so far, remembered by name and uid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.replicas.deployed import missing, pods_of
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.local.node.pod_roles import PROXY
from mesh.local.reported import ready, staying
from mesh.running_shop import pod_name


async def chosen(site: Site, deployment: str, container: str, count: int) -> list[Pod]:
    """So many of its pods that are Ready, those first that have been restarted least. Raises NotInjected."""
    found = [pod for pod in (await pods_of(site, deployment)).values() if staying(pod) and ready(pod)]
    if len(found) < count:
        raise NotInjected(f"{deployment} has {len(found)} pods that are Ready, and {count} are to be hit")
    return sorted(found, key=lambda pod: (restarts(pod, container), pod_name(pod)))[:count]


async def unreachable(site: Site, deployment: str, container: str) -> str:
    """Why no signal reaches the container's process; empty when one does.

    Inside its own pod the kernel keeps signals from a container's first process, unless the pod's processes are shared.
    """
    if absent := await missing(site, deployment):
        return absent
    if site.cluster.local or container == PROXY:
        return ""
    pods = (await pods_of(site, deployment)).values()
    if all(pod.spec and pod.spec.shareProcessNamespace for pod in pods):
        return ""
    return f"the pods of {deployment} do not share their processes (shareProcessNamespace), so no signal reaches them"


def service_of(deployment: str) -> str:
    """The service of a Deployment, whose container is called alike: catalog of catalog-v1."""
    return deployment.rsplit("-v", 1)[0]


def restarts(pod: Pod, container: str) -> int:
    """How often the container was started again; a sidecar may be among the init containers."""
    status = pod.status
    statuses = (*((status and status.containerStatuses) or ()), *((status and status.initContainerStatuses) or ()))
    return sum(each.restartCount for each in statuses if each.name == container)


def remembered(pod: Pod) -> dict[str, Any]:
    """What has to be written down to find the pod again."""
    metadata = pod.metadata or ObjectMeta()
    return {"name": str(metadata.name), "namespace": str(metadata.namespace), "uid": str(metadata.uid)}


def recalled(memory: Mapping[str, Any]) -> Pod:
    """The pod that is meant, without asking the API server for it, which may be away."""
    return Pod(metadata=ObjectMeta(name=memory["name"], namespace=memory["namespace"], uid=memory["uid"]))
