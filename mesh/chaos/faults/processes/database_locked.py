"""What if a service may read its database and not write? Somebody else's transaction does not end."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import ClassVar

from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.processes import database_lock
from mesh.chaos.faults.processes.chosen import chosen, service_of
from mesh.chaos.faults.replicas.deployed import missing, pods_of
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.running_shop import ShopError


@dataclass(frozen=True)
class DatabaseLocked:
    """The database of `deployment`, until it is removed but at most so many `seconds`, whoever dies meanwhile."""

    kind: ClassVar[str] = "database-locked"
    lasting: ClassVar[bool] = True

    deployment: str
    seconds: float = 60.0

    async def impossible(self, site: Site) -> str:
        return await missing(site, self.deployment)

    async def plan(self, site: Site) -> Memory:
        return {"name": f"{site.run}-{self.deployment}"}

    async def inject(self, site: Site, memory: Memory) -> None:
        try:
            await self._beside(site, await self._pod(site), "hold", memory["name"], f"{self.seconds:g}")
        except ShopError as error:
            raise NotInjected(str(error)) from error

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """Another program tries to write."""
        held = json.loads(await self._beside(site, await self._pod(site), "held"))
        return Proof(
            held, f"a writer {'gets no turn' if held else 'gets its turn'} in the database of {self.deployment}"
        )

    async def remove(self, site: Site, memory: Memory) -> None:
        """In every pod: whoever holds it shares its machine, or at least its pod, with one of them."""
        for pod in (await pods_of(site, self.deployment)).values():
            await self._beside(site, pod, "release", memory["name"])

    async def _pod(self, site: Site) -> Pod:
        [pod] = await chosen(site, self.deployment, service_of(self.deployment), 1)
        return pod

    async def _beside(self, site: Site, pod: Pod, *words: str) -> str:
        program = inspect.getsource(database_lock)
        return await site.processes.python(pod, service_of(self.deployment), program, *words)
