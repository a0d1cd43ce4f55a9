"""What if some of a service's pods are gone from one moment to the next? Deleted, without time to say goodbye."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from lightkube.resources.core_v1 import Pod
from pydantic import Field

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import missing, pods_of
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.local.absence import absence_is_fine
from mesh.local.reported import ready, staying
from mesh.running_shop import pod_name


@dataclass(frozen=True)
class PodsDeleted:
    """`share` of the Deployment's pods, at least one; the Deployment makes others in their place."""

    kind: ClassVar[str] = "pods-deleted"
    lasting: ClassVar[bool] = False

    deployment: str
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    grace: Annotated[int, Field(ge=0)] = 0
    """Seconds a pod has for its end; 0 is what a machine that burns gives it."""

    async def impossible(self, site: Site) -> str:
        return await missing(site, self.deployment)

    async def plan(self, site: Site) -> Memory:
        staying_on = {pod_name(pod): uid for uid, pod in (await pods_of(site, self.deployment)).items() if staying(pod)}
        chosen = sorted(staying_on)[: max(1, math.floor(len(staying_on) * self.share))]
        return {"pods": {name: staying_on[name] for name in chosen}, "of": len(staying_on)}

    async def inject(self, site: Site, memory: Memory) -> None:
        if not memory["pods"]:
            raise NotInjected(f"{self.deployment} has no pod to delete")
        await asyncio.gather(*(self._delete(site, name) for name in memory["pods"]))

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """Seen by the pods' uids; stays true, as what is dead stays dead."""
        pods = await pods_of(site, self.deployment)
        there = [name for name, uid in memory["pods"].items() if uid in pods and staying(pods[uid])]
        up = sum(map(ready, pods.values()))
        killed = f"{len(memory['pods']) - len(there)} of {memory['of']} pods deleted ({', '.join(memory['pods'])})"
        return Proof(not there, f"{self.deployment}: {killed}, {up} Ready")

    async def remove(self, site: Site, memory: Memory) -> None:
        """The Deployment mends it; over when it has."""
        await site.shop.rolled_out(self.deployment)

    async def _delete(self, site: Site, name: str) -> None:
        with absence_is_fine():
            await site.client.delete(Pod, name, namespace=site.shop.namespace, grace_period=self.grace)
