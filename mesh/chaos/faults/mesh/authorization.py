"""What if callers lost their permission? A policy is made to select nobody, and the mesh denies what nobody permits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh.compare_and_set import compare_and_set
from mesh.chaos.faults.mesh.envoy import listeners
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL
from mesh.istio_kinds import AuthorizationPolicy
from mesh.local.reported import staying
from mesh.running_shop import PROPAGATION, ShopError

_SERVICES = {"app.kubernetes.io/component": "service"}
_SELECTOR = "/spec/selector"


@dataclass(frozen=True)
class AuthorizationRevoked:
    """The AuthorizationPolicy `policy` stands as it is, and is about no pod."""

    kind: ClassVar[str] = "authorization-revoked"
    lasting: ClassVar[bool] = True

    policy: str

    async def impossible(self, site: Site) -> str:
        selector = await self._selector(site)
        return f"policy {self.policy} selects no pod as it is" if selector and LABEL in str(selector) else ""

    async def plan(self, site: Site) -> Memory:
        return {"selector": await self._selector(site), "ours": {"matchLabels": {LABEL: site.run}}}

    async def inject(self, site: Site, memory: Memory) -> None:
        await self._set(site, memory["selector"], memory["ours"])

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """Every Envoy the policy was about names the policies it enforces."""
        labels: dict[str, Any] = memory["selector"]["matchLabels"] if memory["selector"] else _SERVICES
        listed = [pod async for pod in site.client.list(Pod, namespace=site.shop.namespace, labels=labels)]
        pods = [pod for pod in listed if staying(pod)]
        if not pods:
            raise ShopError(f"policy {self.policy} is about no pod that could be asked")
        enforced = await asyncio.gather(*(listeners(site, pod) for pod in pods))
        name = f"ns[{site.shop.namespace}]-policy[{self.policy}]"
        enforcing = sum(name in text for text in enforced)
        seen = f"{enforcing} of {len(pods)} Envoys enforce policy {self.policy}"
        return Proof(not enforcing or (False if enforcing == len(pods) else None), seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """A selector that somebody else has set meanwhile is left."""
        if await self._selector(site) == memory["ours"]:
            await self._set(site, memory["ours"], memory["selector"])

    async def _selector(self, site: Site) -> Mapping[str, Any] | None:
        found = await site.client.get(AuthorizationPolicy, self.policy, namespace=site.shop.namespace)
        selector: Mapping[str, Any] | None = (found.get("spec") or {}).get("selector")
        return selector

    async def _set(self, site: Site, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
        await compare_and_set(site, AuthorizationPolicy, self.policy, _SELECTOR, old=old or None, new=new or None)
        await asyncio.sleep(PROPAGATION)
