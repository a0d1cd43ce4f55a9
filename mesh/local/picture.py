"""What does a picture of the cluster hold? Parts, deployments, pods, their processes and sidecars: only data."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mesh.local.supervisor_state import PartState
from mesh.local.sync import Sync


@dataclass(frozen=True)
class ContainerPicture:
    """A container's processes: `pid` leads their group. Starts over since the pod exists: `restarts`."""

    name: str
    pid: int | None
    start_time: int | None
    """In clock ticks since boot; with the pid it names the process for ever."""
    ready: bool
    restarts: int


@dataclass(frozen=True)
class PodPicture:
    """One pod, as the API, the node and istiod see it together."""

    namespace: str
    name: str
    version: str
    phase: str
    ready: bool
    ending: bool
    of_a_job: bool
    reason: str
    """Why it is not ready, in the words of Kubernetes; empty when it is."""
    address: str
    identity: str
    age_seconds: float
    containers: tuple[ContainerPicture, ...] = ()
    sync: Sync | None = None
    """None for a pod without a sidecar."""
    rejected: int | None = None
    """Configurations its sidecar has rejected since it began; None when it cannot be asked."""
    node: str | None = None
    """The node it is on, empty before it has one; None on the local cluster, where its processes are seen instead."""

    @property
    def restarts(self) -> int:
        return sum(container.restarts for container in self.containers)


@dataclass(frozen=True)
class DeploymentPicture:
    """How many replicas a Deployment wants and has, all of its newest revision."""

    namespace: str
    name: str
    wanted: int
    ready: int


@dataclass(frozen=True)
class Picture:
    """The whole cluster at one moment."""

    parts: tuple[PartState, ...]
    deployments: tuple[DeploymentPicture, ...] = ()
    pods: tuple[PodPicture, ...] = ()
    problem: str = ""
    """Why there is nothing to see of deployments and pods, when that is so."""
    taken_at: float = field(default_factory=time.time)
