"""What if a Deployment has another number of pods? None, two instead of one, one instead of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler
from pydantic import Field

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import gone, missing, pods_of, spec_of
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.local.reported import ready

DRAINED_WITHIN = 40.0  # longer than a pod's grace period


@dataclass(frozen=True)
class Scaled:
    """`deployment` has `replicas` pods, all Ready, and no other."""

    kind: ClassVar[str] = "scaled"
    lasting: ClassVar[bool] = True

    deployment: str
    replicas: Annotated[int, Field(ge=0)]

    async def impossible(self, site: Site) -> str:
        """An autoscaler would scale back; it stands still only while there are to be no pods."""
        if self.replicas and await self._autoscaled(site):
            return f"a HorizontalPodAutoscaler decides how many pods {self.deployment} has"
        return await missing(site, self.deployment)

    async def plan(self, site: Site) -> Memory:
        replicas = (await spec_of(site, self.deployment)).replicas
        return {"before": 1 if replicas is None else replicas}

    async def inject(self, site: Site, memory: Memory) -> None:
        await site.shop.scale(self.deployment, self.replicas)
        if not self.replicas:
            try:
                await gone(site, self.deployment, DRAINED_WITHIN)
            except TimeoutError:
                raise NotInjected(f"{self.deployment} still has pods after {DRAINED_WITHIN:g} s") from None

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """The pods are counted, not what the Deployment says of them."""
        pods = [ready(pod) for pod in (await pods_of(site, self.deployment)).values()]
        return Proof(
            len(pods) == sum(pods) == self.replicas,
            f"{self.deployment} has {len(pods)} pods, {sum(pods)} Ready; {memory['before']} before",
        )

    async def remove(self, site: Site, memory: Memory) -> None:
        """A number that somebody else has set meanwhile is left."""
        if (await spec_of(site, self.deployment)).replicas == self.replicas:
            await site.shop.scale(self.deployment, memory["before"])

    async def _autoscaled(self, site: Site) -> bool:
        scalers = site.client.list(HorizontalPodAutoscaler, namespace=site.shop.namespace)
        targets = [scaler.spec.scaleTargetRef async for scaler in scalers if scaler.spec]
        return any(target.kind == Deployment.__name__ and target.name == self.deployment for target in targets)
