"""What if istiod, or the API server, is away while customers shop?

Sidecars keep what they know. So with `sidecar_of` the sidecar of one pod ends meanwhile: the one that is started in its
place is told nothing and takes no calls, and nobody is told to go elsewhere. Then callers have to help themselves.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.processes.chosen import chosen, recalled, remembered, unreachable
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.local.node.pod_roles import PROXY
from mesh.pod_processes import API_SERVER, ISTIOD
from mesh.running_shop import ShopError


@dataclass(frozen=True)
class ControlPlaneDown:
    """One `part` answers nobody, and one sidecar of the Deployment `sidecar_of`, where one is named, begins anew."""

    kind: ClassVar[str] = "control-plane-down"
    lasting: ClassVar[bool] = True

    part: Literal["istiod", "apiserver"]
    sidecar_of: str = ""

    async def impossible(self, site: Site) -> str:
        if reason := await site.processes.why_not(self.part):
            return reason
        return await unreachable(site, self.sidecar_of, PROXY) if self.sidecar_of else ""

    async def plan(self, site: Site) -> Memory:
        hit = await chosen(site, self.sidecar_of, PROXY, 1) if self.sidecar_of else []
        numbers = [await site.processes.number(pod, PROXY) for pod in hit]
        return {"sidecars": [{**remembered(pod), "process": n} for pod, n in zip(hit, numbers, strict=True)]}

    async def inject(self, site: Site, memory: Memory) -> None:
        try:
            await site.processes.stop_part(self.part)
            for one in memory["sidecars"]:
                await site.processes.signal(recalled(one), PROXY, signal.SIGKILL)
        except ShopError as error:
            raise NotInjected(str(error)) from error

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """It is asked itself, and so is the sidecar's process."""
        if await site.processes.part_works(self.part):
            return Proof(present=False, detail=f"{self.part} answers")
        if [one for one in memory["sidecars"] if await self._lives(site, one)]:
            return Proof(present=None, detail=f"{self.part} does not answer, the sidecar still runs")
        ended = "".join(f", the sidecar of {one['name']} has ended" for one in memory["sidecars"])
        return Proof(present=True, detail=f"{self.part} does not answer{ended}")

    async def remove(self, site: Site, memory: Memory) -> None:
        """After the API server istiod begins anew: left alone it looks again only after up to a minute."""
        await site.processes.start_part(self.part)
        if self.part == API_SERVER:
            await site.processes.stop_part(ISTIOD)
            await site.processes.start_part(ISTIOD)

    async def _lives(self, site: Site, one: Mapping[str, Any]) -> bool:
        return await site.processes.number(recalled(one), PROXY) == int(one["process"])
