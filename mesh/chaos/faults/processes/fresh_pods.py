"""What if a pod was hurt before? Kubernetes waits ten seconds and more with a container that ends again.

An experiment that kills one is not about that, so its pods are replaced before, if one of theirs was ever restarted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import missing, pods_of
from mesh.chaos.site import Site
from mesh.local.reported import staying


@dataclass(frozen=True)
class FreshPods:
    """The pods of `deployments` have run since they were made; nothing happens where they have."""

    kind: ClassVar[str] = "fresh-pods"
    lasting: ClassVar[bool] = False

    deployments: tuple[str, ...]

    async def impossible(self, site: Site) -> str:
        return await missing(site, *self.deployments)

    async def plan(self, site: Site) -> Memory:
        return {"hurt": [each for each in self.deployments if await _restarts(site, each)]}

    async def inject(self, site: Site, memory: Memory) -> None:
        for deployment in memory["hurt"]:
            await site.shop.restart(deployment)

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """By the restarts that the pods count, whoever has replaced them."""
        restarts = sum([await _restarts(site, each) for each in self.deployments])
        return Proof(restarts == 0, f"{restarts} restarts in the pods of {', '.join(self.deployments)}")

    async def remove(self, site: Site, memory: Memory) -> None:
        """Nothing: fresh pods are as good as those before."""


async def _restarts(site: Site, deployment: str) -> int:
    pods = [pod for pod in (await pods_of(site, deployment)).values() if staying(pod)]
    return sum(each.restartCount for pod in pods for each in _statuses(pod))


def _statuses(pod: Pod) -> Sequence[ContainerStatus]:
    return (pod.status and pod.status.containerStatuses) or ()
