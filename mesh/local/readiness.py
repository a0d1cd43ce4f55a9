"""Is the cluster ready? What is still missing, in words for the one who waits. Pure: pictures in, words out."""

from __future__ import annotations

from collections.abc import Sequence

from mesh.local.picture import Picture, PodPicture
from mesh.local.supervisor_state import PartState
from mesh.local.sync import Sync

KEEPS_ENDING = 3
"""So many restarts before a part was ready once: it will not come up by itself."""


def missing_parts(parts: Sequence[PartState]) -> list[str]:
    """The names of the parts that do not work yet."""
    return [part.name for part in parts if not part.works]


def failing_part(parts: Sequence[PartState]) -> PartState | None:
    """A part that ends again and again without ever working."""
    return next((part for part in parts if not part.works and part.restarts >= KEEPS_ENDING), None)


def missing(picture: Picture) -> list[str]:
    """All that is not as it should be: parts, replicas, pods, sidecars. Empty when the cluster is ready."""
    if picture.problem:
        return [picture.problem]
    pods = [problem for pod in picture.pods for problem in [missing_of_pod(pod)] if problem]
    parts = [f"{name} does not work" for name in missing_parts(picture.parts)]
    return parts + missing_replicas(picture) + pods


def missing_replicas(picture: Picture) -> list[str]:
    """The Deployments that have fewer replicas than they want, be there a pod to see or none."""
    return [
        f"{deployment.name}: {deployment.ready} of {deployment.wanted} replicas ready"
        for deployment in picture.deployments
        if deployment.ready < deployment.wanted
    ]


def missing_of_pod(pod: PodPicture) -> str:
    """What is not as it should be with one pod; empty when nothing is."""
    if pod.ending:
        return f"{pod.name} is ending"
    if pod.of_a_job:
        return ""  # it is meant to end, not to be ready
    if not pod.ready:
        return f"{pod.name} is {pod.phase}" + (f" ({pod.reason})" if pod.reason else "")
    lost = [container.name for container in pod.containers if container.pid is None]
    if lost and pod.node is None:  # the API still says what the last node saw
        return f"{pod.name}: {', '.join(lost)} does not run"
    problem = _problem_of_sidecar(pod.sync, pod) if pod.sync else ""
    return f"{pod.name}: sidecar {problem}" if problem else ""


def _problem_of_sidecar(sync: Sync, pod: PodPicture) -> str:
    if not sync.synced:
        return sync.detail
    if pod.rejected is None:
        return "" if pod.node is not None else "does not say whether it rejected anything"
    # Whether it has been mended nobody says: istiod forgets a refusal when something else is taken.
    return f"refused {pod.rejected} configurations and may lack them" if pod.rejected else ""
