"""What if every call came on a connection of its own? Then each has to pass the handshake with today's certificates."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh.compare_and_set import compare_and_set
from mesh.chaos.site import Site
from mesh.istio_kinds import DestinationRule
from mesh.running_shop import PROPAGATION

_ONE_CALL = {"maxRequestsPerConnection": 1}
_POLICY = "/spec/trafficPolicy"


@dataclass(frozen=True)
class OwnConnections:
    """No connection to `service` is used twice."""

    kind: ClassVar[str] = "own-connections"
    lasting: ClassVar[bool] = True

    service: str

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        return {"before": await self._policy(site)}

    async def inject(self, site: Site, memory: Memory) -> None:
        await self._set(site, memory["before"], self._changed(memory))

    async def proof(self, site: Site, memory: Memory) -> Proof:
        there = await self._policy(site) == self._changed(memory)
        return Proof(there, f"connections to {self.service} are for {'one call' if there else 'many calls'}")

    async def remove(self, site: Site, memory: Memory) -> None:
        """A policy that somebody else has set meanwhile is left."""
        if await self._policy(site) == self._changed(memory):
            await self._set(site, self._changed(memory), memory["before"])

    def _changed(self, memory: Memory) -> dict[str, Any]:
        policy: dict[str, Any] = memory["before"]
        pool = policy.get("connectionPool", {})
        return {**policy, "connectionPool": {**pool, "http": {**pool.get("http", {}), **_ONE_CALL}}}

    async def _policy(self, site: Site) -> Mapping[str, Any]:
        found = await site.client.get(DestinationRule, self.service, namespace=site.shop.namespace)
        policy: Mapping[str, Any] = found["spec"].get("trafficPolicy", {})
        return policy

    async def _set(self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        await compare_and_set(site, DestinationRule, self.service, _POLICY, old=old, new=new)
        await asyncio.sleep(PROPAGATION)
