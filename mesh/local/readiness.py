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
    replicas = [
        f"{deployment.name}: {deployment.ready} of {deployment.wanted} replicas ready"
        for deployment in picture.deployments
        if deployment.ready < deployment.wanted
    ]
    pods = [problem for pod in picture.pods for problem in [_missing_of_pod(pod)] if problem]
    parts = [f"{name} does not work" for name in missing_parts(picture.parts)]
    return parts + replicas + pods


def _missing_of_pod(pod: PodPicture) -> str:
    if pod.ending:
        return f"{pod.name} is ending"
    if pod.of_a_job:
        return ""  # it is meant to end, not to be ready
    if not pod.ready:
        return f"{pod.name} is {pod.phase}" + (f" ({pod.reason})" if pod.reason else "")
    lost = [container.name for container in pod.containers if container.pid is None]
    if lost:  # the API still says what the last node saw
        return f"{pod.name}: {', '.join(lost)} does not run"
    problem = _problem_of_sidecar(pod.sync, pod.rejected) if pod.sync else ""
    return f"{pod.name}: sidecar {problem}" if problem else ""


def _problem_of_sidecar(sync: Sync, rejected: int | None) -> str:
    if not sync.synced:
        return sync.detail
    if rejected is None:
        return "does not say whether it rejected anything"
    # Whether it has been mended nobody says: istiod forgets a refusal when something else is taken.
    return f"refused {rejected} configurations and may lack them" if rejected else ""
