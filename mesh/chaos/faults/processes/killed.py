"""What if a process ends from one moment to the next (SIGKILL)? The service's own, or its sidecar's."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.processes.chosen import chosen, recalled, remembered, restarts, service_of, unreachable
from mesh.chaos.faults.replicas.deployed import pods_of
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.running_shop import ShopError


@dataclass(frozen=True)
class Killed:
    """The process of a `container` (the service's, where none is named) in so many `pods` of `deployment`."""

    kind: ClassVar[str] = "killed"
    lasting: ClassVar[bool] = False

    deployment: str
    pods: int = 1
    container: str = ""

    async def impossible(self, site: Site) -> str:
        return await unreachable(site, self.deployment, self._container)

    async def plan(self, site: Site) -> Memory:
        hit = await chosen(site, self.deployment, self._container, self.pods)
        return {"pods": [await self._before(site, pod) for pod in hit]}

    async def inject(self, site: Site, memory: Memory) -> None:
        for one in memory["pods"]:
            try:
                await site.processes.signal(recalled(one), self._container, signal.SIGKILL)
            except ShopError as error:
                raise NotInjected(str(error)) from error

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """No process is asked whether it got the signal: it runs no more, or another one in its place."""
        dead = [one["name"] for one in memory["pods"] if await self._has_died(site, one)]
        seen = f"{len(dead)} of {len(memory['pods'])} processes {self._container} of {self.deployment} have died"
        return Proof(len(dead) == len(memory["pods"]), f"{seen} ({', '.join(dead)})" if dead else seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """Nothing is left to undo: Kubernetes starts it again."""

    @property
    def _container(self) -> str:
        return self.container or service_of(self.deployment)

    async def _before(self, site: Site, pod: Pod) -> dict[str, Any]:
        number = await site.processes.number(pod, self._container)
        return {**remembered(pod), "process": number, "restarts": restarts(pod, self._container)}

    async def _has_died(self, site: Site, one: Mapping[str, Any]) -> bool:
        """In a pod of its own numbers the next process may have the same one, so Kubernetes is asked as well."""
        if await site.processes.number(recalled(one), self._container) != one["process"]:
            return True
        pod = (await pods_of(site, self.deployment)).get(one["uid"])
        return pod is None or restarts(pod, self._container) > one["restarts"]
