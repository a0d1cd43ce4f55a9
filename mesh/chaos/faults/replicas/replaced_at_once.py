"""What if the old pods end before there are new ones? The negative control of every roll-out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lightkube.resources.apps_v1 import Deployment
from lightkube.types import PatchType

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import missing, spec_of
from mesh.chaos.site import Site

AT_ONCE: Mapping[str, Any] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"}}
_STRATEGY, _GRACE = "/spec/strategy", "/spec/template/spec/terminationGracePeriodSeconds"
_SHORTEST = 1  # second; with none at all the API server forgets a pod before its node has heard of it


@dataclass(frozen=True)
class ReplacedAtOnce:
    """`deployments` end all their pods at once, without time to drain, and then start others; nothing else happens."""

    kind: ClassVar[str] = "replaced-at-once"
    lasting: ClassVar[bool] = True

    deployments: tuple[str, ...]

    async def impossible(self, site: Site) -> str:
        return await missing(site, *self.deployments)

    async def plan(self, site: Site) -> Memory:
        return {"before": {deployment: await _manners(site, deployment) for deployment in self.deployments}}

    async def inject(self, site: Site, memory: Memory) -> None:
        """Another grace period is another template, so the pods are replaced; the next time it will hurt."""
        await asyncio.gather(*(_set(site, deployment, AT_ONCE, _SHORTEST) for deployment in self.deployments))

    async def proof(self, site: Site, memory: Memory) -> Proof:
        now = [await _manners(site, deployment) for deployment in self.deployments]
        rude = sum(each == [AT_ONCE, _SHORTEST] for each in now)
        return Proof(rude == len(now), f"{rude} of {len(now)} Deployments end their pods at once")

    async def remove(self, site: Site, memory: Memory) -> None:
        """What somebody else has set meanwhile is left."""
        changed = [each for each in self.deployments if await _manners(site, each) == [AT_ONCE, _SHORTEST]]
        await asyncio.gather(*(_set(site, deployment, *memory["before"][deployment]) for deployment in changed))


async def _manners(site: Site, deployment: str) -> list[Any]:
    """The strategy of its roll-outs, and the seconds that a pod has for its end."""
    spec = await spec_of(site, deployment)
    pod = spec.template.spec
    return [spec.strategy and spec.strategy.to_dict(), pod and pod.terminationGracePeriodSeconds]


async def _set(site: Site, deployment: str, strategy: Any, grace: Any) -> None:
    patch = [
        {"op": "replace", "path": path, "value": value} for path, value in ((_STRATEGY, strategy), (_GRACE, grace))
    ]
    await site.client.patch(Deployment, deployment, patch, namespace=site.shop.namespace, patch_type=PatchType.JSON)
    await site.shop.rolled_out(deployment)
