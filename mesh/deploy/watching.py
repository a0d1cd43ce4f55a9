"""What does the cluster show of what was deployed? Asked of its API, for mesh/deploy/rollout.py to judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from lightkube import AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment, ReplicaSet, StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Pod

from mesh.deploy.phases import Phase
from mesh.deploy.rollout import Crash, Owner, Refusal, Seen
from mesh.kubectl import Kubectl, KubectlFailed

_KINDS: dict[str, type[Owner]] = {"Deployment": Deployment, "StatefulSet": StatefulSet, "Job": Job}
_LAST_LINES = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


async def look(client: AsyncClient, namespace: str, phase: Phase) -> dict[str, Seen]:
    """What there is of every object of the phase, by its name. Raises lightkube's ApiError and httpx2's HTTPError."""
    owners = [one async for one in client.list(_KINDS[phase.kind], namespace=namespace)]
    pods = [pod async for pod in client.list(Pod, namespace=namespace)]
    sets = [one async for one in client.list(ReplicaSet, namespace=namespace)]
    events = [event async for event in client.list(Event, namespace=namespace, fields={"reason": "FailedCreate"})]
    return {
        str(metadata.name): _seen(owner, metadata, pods, sets, events)
        for owner in owners
        if (metadata := owner.metadata) and metadata.name in phase.names
    }


async def last_words(kubectl: Kubectl, namespace: str, crash: Crash) -> str:
    """The end of what a container has logged before it ended."""
    arguments = [f"--container={crash.container}", f"--tail={_LAST_LINES}"]
    try:
        return await kubectl.run(
            "logs", f"--namespace={namespace}", crash.pod, *arguments, *(["--previous"] if crash.restarted else [])
        )
    except KubectlFailed as error:
        return error.words


def _seen(
    owner: Owner, metadata: ObjectMeta, pods: Sequence[Pod], sets: Sequence[ReplicaSet], events: Sequence[Event]
) -> Seen:
    makers = {metadata.uid} | {one.metadata.uid for one in sets if one.metadata and _owned(one, {metadata.uid})}
    own = [pod for pod in pods if _owned(pod, makers)]
    made = [pod.metadata.creationTimestamp or _LONG_AGO for pod in own if pod.metadata]
    since = max(made, default=_LONG_AGO)
    return Seen(owner, own, _refusal([one for one in events if one.involvedObject.uid in makers], since))


def _owned(one: Pod | ReplicaSet, makers: set[str | None]) -> bool:
    return any(owner.uid in makers for owner in (one.metadata and one.metadata.ownerReferences) or ())


def _refusal(events: Iterable[Event], since: datetime) -> Refusal | None:
    """The newest refusal, if no pod was made after it."""
    later = [event for event in events if _last(event) > since]
    if not later:
        return None
    newest = max(later, key=_last)
    return Refusal(newest.message or "", min(event.firstTimestamp or _last(event) for event in later))


def _last(event: Event) -> datetime:
    return event.lastTimestamp or event.eventTime or _LONG_AGO
