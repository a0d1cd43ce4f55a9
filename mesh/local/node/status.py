"""What does a pod's status say, given the states of its containers? Pure: the kubelet's rules as a function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mesh.local.node.container_state import ContainerView, Running, State, Terminated, Waiting
from mesh.local.node.pod_roles import PROXY

Json = dict[str, Any]


@dataclass(frozen=True)
class PodView:
    """A pod as its node sees it."""

    pod_ip: str
    host_ip: str
    started_at: datetime
    restart_policy: str
    init_containers: Sequence[ContainerView]
    containers: Sequence[ContainerView]
    proxy_ready: bool = True
    """A proxy that the pod's spec does not name still has to work before the pod is Ready."""
    initialized: bool = False
    in_mesh: bool = True
    """Whether callers can find the pod: a Deployment may only stop an old pod when the new one is found."""
    terminating: bool = False


def is_ready(view: PodView) -> bool:
    """Whether the pod takes traffic."""
    return not view.terminating and not _unready(view)


def _unready(view: PodView) -> list[str]:
    lasting = [*(container for container in view.init_containers if container.stays), *view.containers]
    return [container.name for container in lasting if not container.ready] + [PROXY] * (not view.proxy_ready)


def phase(view: PodView) -> str:
    """The pod's phase (kubernetes.io, "Pod Lifecycle")."""
    if not view.initialized:
        given_up = view.restart_policy == "Never" and any(container.failed for container in view.init_containers)
        return "Failed" if given_up else "Pending"
    working = _working(view)
    states = [container.state for container in working]
    if any(isinstance(state, Running) for state in states):
        return "Running"
    if all(isinstance(state, Terminated) for state in states):
        return _ended_phase(view)
    started_before = any(container.last_state for container in working)
    return "Running" if started_before or any(isinstance(state, Terminated) for state in states) else "Pending"


def _working(view: PodView) -> list[ContainerView]:
    """The containers whose end is the pod's end: not its proxy, which is ended after them."""
    return [container for container in view.containers if not container.stays]


def _ended_phase(view: PodView) -> str:
    if view.restart_policy == "Always" and not view.terminating:
        return "Running"
    failed = any(container.failed for container in _working(view))
    if failed and view.restart_policy == "OnFailure" and not view.terminating:
        return "Running"
    return "Failed" if failed else "Succeeded"


def news_for_others(view: PodView) -> tuple[bool, bool]:
    """What others wait for: a Deployment or Service whether the pod is Ready, a Job whether it is over."""
    return is_ready(view) and view.in_mesh, phase(view) in {"Succeeded", "Failed"}


def pod_status(view: PodView, since: dict[str, tuple[bool, datetime]], now: datetime) -> Json:
    """The status to write. `since` remembers when each condition last changed and is updated."""
    return {
        "phase": phase(view),
        "podIP": view.pod_ip,
        "podIPs": [{"ip": view.pod_ip}],
        "hostIP": view.host_ip,
        "hostIPs": [{"ip": view.host_ip}],
        "startTime": timestamp(view.started_at),
        "conditions": _conditions(view, since, now),
        "initContainerStatuses": [_container_status(container) for container in view.init_containers],
        "containerStatuses": [_container_status(container) for container in view.containers],
    }


def _conditions(view: PodView, since: dict[str, tuple[bool, datetime]], now: datetime) -> list[Json]:
    completed = phase(view) in {"Succeeded", "Failed"}
    unready = _unready(view)
    reason = "PodCompleted" if completed else "ContainersNotReady"
    message = None if completed else f"containers with unready status: [{' '.join(unready)}]"
    uninitialized = [container.name for container in view.init_containers if not container.initialized]
    facts: list[tuple[str, bool, str, str | None]] = [
        ("PodReadyToStartContainers", True, "", None),
        (
            "Initialized",
            view.initialized,
            "ContainersNotInitialized",
            f"containers with incomplete status: [{' '.join(uninitialized)}]",
        ),
        ("ContainersReady", not unready, reason, message),
        ("Ready", is_ready(view) and view.in_mesh, reason if unready else "NotInMesh", message if unready else None),
    ]
    return [_condition(fact, since, now) for fact in facts]


def _condition(fact: tuple[str, bool, str, str | None], since: dict[str, tuple[bool, datetime]], now: datetime) -> Json:
    kind, holds, reason, message = fact
    if kind not in since or since[kind][0] is not holds:
        since[kind] = (holds, now)
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "lastTransitionTime": timestamp(since[kind][1]),
        "reason": None if holds else reason or None,
        "message": None if holds else message,
    }


def _container_status(container: ContainerView) -> Json:
    return {
        "name": container.name,
        "image": container.image,
        "imageID": "",
        "containerID": container.container_id,
        "ready": container.ready,
        "started": container.started,
        "restartCount": container.restarts,
        "state": _state(container.state),
        "lastState": _state(container.last_state) if container.last_state else {},
    }


def _state(state: State) -> Json:
    match state:
        case Waiting(reason, message):
            return {"waiting": {"reason": reason} | ({"message": message} if message else {})}
        case Running(started_at):
            return {"running": {"startedAt": timestamp(started_at)}}
        case Terminated():
            return {
                "terminated": {
                    "exitCode": state.exit_code,
                    "reason": state.reason,
                    "startedAt": timestamp(state.started_at),
                    "finishedAt": timestamp(state.finished_at),
                    "containerID": state.container_id,
                }
                | ({"message": state.message} if state.message else {})
            }


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as metav1.Time is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
