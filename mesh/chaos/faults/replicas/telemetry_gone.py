"""What if nobody takes the spans? Services send them to a port where nobody listens, as when a collector is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.replicas.deployed import missing
from mesh.chaos.site import Site
from mesh.running_shop import Shop, pod_name

NOWHERE: Mapping[str, str] = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",  # discard: nobody listens there
    "OTEL_TRACES_SAMPLER": "always_on",
    "OTEL_BSP_SCHEDULE_DELAY": "200",  # milliseconds, so that some seconds show what months would
}
_SAID = "Failed to export traces"


@dataclass(frozen=True)
class TelemetryGone:
    """`deployments` record every call, and cannot get rid of what they record."""

    kind: ClassVar[str] = "telemetry-gone"
    lasting: ClassVar[bool] = True

    deployments: tuple[str, ...]

    async def impossible(self, site: Site) -> str:
        return await missing(site, *self.deployments)

    async def plan(self, site: Site) -> Memory:
        before = {deployment: await site.shop.variables_of(deployment, NOWHERE) for deployment in self.deployments}
        return {"before": before}

    async def inject(self, site: Site, memory: Memory) -> None:
        await asyncio.gather(*(site.shop.set_variables(deployment, NOWHERE) for deployment in self.deployments))

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """By what the pods say of it in their logs."""
        complaining = [deployment for deployment in self.deployments if await _complains(site.shop, deployment)]
        every = len(complaining) == len(self.deployments)
        return Proof(every, f"cannot export their spans, as their logs say: {', '.join(complaining) or 'none'}")

    async def remove(self, site: Site, memory: Memory) -> None:
        before = memory["before"]
        await asyncio.gather(*(site.shop.set_variables(deployment, before[deployment]) for deployment in before))


async def _complains(shop: Shop, deployment: str) -> bool:
    """Whether a pod of the deployment's newest template says so."""
    app, _, version = deployment.rpartition("-")
    for pod in await shop.pods(app, version):
        lines = shop.client.log(pod_name(pod), namespace=shop.namespace, container=app, newlines=False)
        if any([_SAID in line async for line in lines]):
            return True
    return False
