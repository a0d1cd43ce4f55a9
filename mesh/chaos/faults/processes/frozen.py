"""What if a process hangs (SIGSTOP)? It keeps its connections and answers nobody: worse than one that has died."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.processes.chosen import chosen, recalled, remembered, service_of, unreachable
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.running_shop import ShopError

STOPPED = "T"


@dataclass(frozen=True)
class Frozen:
    """The service's process in so many `pods` of `deployment`."""

    kind: ClassVar[str] = "frozen"
    lasting: ClassVar[bool] = True

    deployment: str
    pods: int = 1

    async def impossible(self, site: Site) -> str:
        return await unreachable(site, self.deployment, self._service)

    async def plan(self, site: Site) -> Memory:
        return {"pods": [remembered(pod) for pod in await chosen(site, self.deployment, self._service, self.pods)]}

    async def inject(self, site: Site, memory: Memory) -> None:
        for one in memory["pods"]:
            try:
                await site.processes.signal(recalled(one), self._service, signal.SIGSTOP)
            except ShopError as error:
                raise NotInjected(str(error)) from error

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """The kernel says so; a process that its liveness probe has ended is frozen no more."""
        states = [await self._state(site, one) for one in memory["pods"]]
        stopped = states.count(STOPPED)
        words = ", ".join(f"{one['name']} {state or 'gone'}" for one, state in zip(memory["pods"], states, strict=True))
        present = True if stopped == len(states) else None if stopped else False
        return Proof(present, f"{stopped} of {len(states)} processes {self._service} are stopped ({words})")

    async def remove(self, site: Site, memory: Memory) -> None:
        for one in memory["pods"]:
            with suppress(ShopError):  # the pod is gone, or its liveness probe was quicker
                await site.processes.signal(recalled(one), self._service, signal.SIGCONT)

    @property
    def _service(self) -> str:
        return service_of(self.deployment)

    async def _state(self, site: Site, one: Mapping[str, Any]) -> str:
        try:
            return await site.processes.state(recalled(one), self._service)
        except ShopError:
            return ""
