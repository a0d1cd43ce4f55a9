"""What if pods are replaced while customers shop, as in every release?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import missing, pods_of
from mesh.chaos.site import Site
from mesh.gateway import SERVICE as GATEWAY
from mesh.gateway import VARIABLE, through_one_pod


@dataclass(frozen=True)
class RollingRestart:
    """All pods of `deployments`, `at_a_time` of these at once, as `kubectl rollout restart` does it."""

    kind: ClassVar[str] = "rolling-restart"
    lasting: ClassVar[bool] = False

    deployments: tuple[str, ...]
    at_a_time: Annotated[int, Field(ge=1)] = 1

    async def impossible(self, site: Site) -> str:
        if GATEWAY in self.deployments and through_one_pod(site.cluster, site.gateway):
            return f"customers come through a port-forward, which ends with its pod: {VARIABLE}=host:port, another way"
        return await missing(site, *self.deployments)

    async def plan(self, site: Site) -> Memory:
        return {"pods": {deployment: sorted(await pods_of(site, deployment)) for deployment in self.deployments}}

    async def inject(self, site: Site, memory: Memory) -> None:
        """Returns when every new pod is Ready. Raises TimeoutError."""
        for first in range(0, len(self.deployments), self.at_a_time):
            together = self.deployments[first : first + self.at_a_time]
            await asyncio.gather(*(site.shop.restart(deployment) for deployment in together))

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """By the pods' uids, those included that still end."""
        old = new = 0
        for deployment, before in memory["pods"].items():
            now = (await pods_of(site, deployment)).keys()
            old, new = old + len(now & set(before)), new + len(now - set(before))
        before = sum(map(len, memory["pods"].values()))
        return Proof(bool(new and not old), f"{old} of {before} pods from before are left, {new} are new")

    async def remove(self, site: Site, memory: Memory) -> None:
        """A restart is undone by its end."""
        await asyncio.gather(*(site.shop.rolled_out(deployment) for deployment in self.deployments))
