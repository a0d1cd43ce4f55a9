"""How does a pod go on under a new node? Its containers ended with the old one and count as killed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lightkube.models.core_v1 import Container, ContainerStateTerminated, ContainerStatus

from mesh.local.node.container_state import ContainerView, Terminated
from mesh.local.node.restart_backoff import should_restart

_KILLED = 137


def first_view(
    container: Container, statuses: Sequence[ContainerStatus], restart_policy: str, now: datetime
) -> ContainerView:
    """The container as it is before this node has done anything for it."""
    stays = container.restartPolicy == "Always"
    view = ContainerView(container.name, container.image or "", stays=stays)
    status = next((status for status in statuses if status.name == container.name), None)
    ended = _ended(status, now)
    if status is None or ended is None:
        return view
    if stays or should_restart(restart_policy, ended.exit_code):
        return ContainerView(view.name, view.image, last_state=ended, restarts=status.restartCount or 0, stays=stays)
    return ContainerView(view.name, view.image, state=ended, restarts=status.restartCount or 0)


def _ended(status: ContainerStatus | None, now: datetime) -> Terminated | None:
    if status is None or status.state is None:
        return None
    if status.state.running:
        began = status.state.running.startedAt or now
        return Terminated(_KILLED, "Error", began, now, "the node was started again", status.containerID or "")
    last = status.state.terminated or (status.lastState.terminated if status.lastState else None)
    return _terminated(last, now) if last else None


def _terminated(state: ContainerStateTerminated, now: datetime) -> Terminated:
    return Terminated(
        exit_code=state.exitCode,
        reason=state.reason or "Error",
        started_at=(state.startedAt or now).astimezone(UTC),
        finished_at=(state.finishedAt or now).astimezone(UTC),
        message=state.message or "",
        container_id=state.containerID or "",
    )
