"""Which pending pods does this node take? All that an ordinary scheduler would place: there is one node."""

from __future__ import annotations

import logging
from http import HTTPStatus

from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod, PodBinding

from mesh.local.node.events import EventRecorder
from mesh.local.node.sidecar import selecting_label

log = logging.getLogger(__name__)

_DEFAULT_SCHEDULER = "default-scheduler"


class _Assignment(PodBinding):
    """A Binding that can also be read back: the API answers a binding with a Status, which has no target."""

    target: ObjectReference | None = None  # type: ignore[assignment]  # wider than the model's, for that answer


def awaits_binding(pod: Pod) -> bool:
    """Whether the pod waits for a scheduler, and for the ordinary one."""
    if pod.spec is None or pod.metadata is None or pod.metadata.deletionTimestamp is not None:
        return False
    return (
        not pod.spec.nodeName
        and not pod.spec.schedulingGates
        and (pod.spec.schedulerName or _DEFAULT_SCHEDULER) == _DEFAULT_SCHEDULER
    )


async def bind(client: AsyncClient, events: EventRecorder, pod: Pod, node: str) -> None:
    """Give the pod to `node`, with the label its Sidecar selects on. Raises httpx2.HTTPError."""
    metadata = pod.metadata or ObjectMeta()
    binding = _Assignment(
        metadata=ObjectMeta(
            name=metadata.name, namespace=metadata.namespace, uid=metadata.uid, labels=selecting_label(pod)
        ),
        target=ObjectReference(apiVersion="v1", kind="Node", name=node),
    )
    try:
        await client.create(binding, metadata.name or "", namespace=metadata.namespace)
    except ApiError as error:
        if error.status.code not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
            raise
        return  # deleted, or bound already
    events.record(pod, "Scheduled", f"Successfully assigned {metadata.namespace}/{metadata.name} to {node}")
