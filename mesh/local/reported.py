"""What does the API server report of a Deployment or a pod, whichever cluster it is in?"""

from __future__ import annotations

import time
from collections.abc import Iterable

from lightkube.models.core_v1 import PodStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.local.picture import ContainerPicture, DeploymentPicture, PodPicture
from mesh.local.sync import Sync


def deployment_picture(deployment: Deployment) -> DeploymentPicture:
    """How many replicas a Deployment wants and has."""
    metadata, status, spec = deployment.metadata, deployment.status, deployment.spec
    wanted = spec.replicas if spec and spec.replicas is not None else 1
    seen = bool(status and metadata and status.observedGeneration == metadata.generation)
    ready = min(status.updatedReplicas or 0, status.readyReplicas or 0) if status and seen else 0
    return DeploymentPicture(str(metadata and metadata.namespace), str(metadata and metadata.name), wanted, ready)


def pod_picture(
    pod: Pod,
    containers: Iterable[ContainerPicture],
    sync: Sync | None,
    *,
    rejected: int | None = None,
    node: str | None = None,
) -> PodPicture:
    """One pod; `sync` is how it is with its sidecar, None when it has none."""
    metadata, spec, status = pod.metadata, pod.spec, pod.status or PodStatus()
    if metadata is None or spec is None or metadata.creationTimestamp is None:
        raise ValueError(f"the API answered a pod without metadata or spec: {pod}")
    namespace = str(metadata.namespace)
    return PodPicture(
        namespace=namespace,
        name=str(metadata.name),
        version=(metadata.labels or {}).get("version", ""),
        phase=status.phase or "",
        ready=ready(pod),
        ending=metadata.deletionTimestamp is not None,
        of_a_job=any(owner.kind == "Job" for owner in metadata.ownerReferences or ()),
        reason=reason_of(status),
        address=status.podIP or "",
        identity=f"spiffe://cluster.local/ns/{namespace}/sa/{spec.serviceAccountName}" if sync else "",
        age_seconds=max(0.0, time.time() - metadata.creationTimestamp.timestamp()),
        containers=tuple(containers),
        sync=sync,
        rejected=rejected,
        node=node,
    )


def staying(pod: Pod) -> bool:
    """Whether nobody has asked for its end."""
    return bool(pod.metadata and not pod.metadata.deletionTimestamp)


def ended(pod: Pod) -> bool:
    """Whether its work is done, or never will be: none of its containers runs, and none will be started again."""
    return bool(pod.status and pod.status.phase in {"Succeeded", "Failed"})


def ready(pod: Pod) -> bool:
    """Whether its condition Ready holds."""
    conditions = (pod.status.conditions if pod.status else None) or ()
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


def proxy_of(pod: Pod) -> str:
    """What istiod calls its sidecar: "orders-1.shop"."""
    return f"{pod.metadata and pod.metadata.name}.{pod.metadata and pod.metadata.namespace}"


def reason_of(status: PodStatus) -> str:
    """Why a pod is not ready, in the words of Kubernetes; empty when it says nothing."""
    for container in status.containerStatuses or ():
        state = container.state
        if state and state.waiting and state.waiting.reason:
            return ": ".join(word for word in (state.waiting.reason, state.waiting.message) if word)
    for condition in status.conditions or ():
        if condition.status != "True" and condition.message:
            return condition.message
    return ""
