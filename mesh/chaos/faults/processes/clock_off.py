"""What if a machine's clock is far off? One more pod of a Deployment, whose clock is, beside those that are right."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.processes.chosen import service_of
from mesh.chaos.faults.replicas.deployed import missing
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL
from mesh.local.absence import absence_is_fine
from mesh.local.reported import ready
from mesh.running_shop import POLL, pod_name

GONE_WITHIN = 40.0  # longer than a pod's grace period


@dataclass(frozen=True)
class ClockOff:
    """A pod like those of `deployment` whose clock is so many `seconds` ahead, or behind, takes its share of calls."""

    kind: ClassVar[str] = "clock-off"
    lasting: ClassVar[bool] = True

    deployment: str
    seconds: float

    async def impossible(self, site: Site) -> str:
        return await missing(site, self.deployment)

    async def plan(self, site: Site) -> Memory:
        return {"deployment": f"{self.deployment}-clock-off"}

    async def inject(self, site: Site, memory: Memory) -> None:
        like = await site.client.get(Deployment, self.deployment, namespace=site.shop.namespace)
        manifest = self.manifest(like.to_dict(), memory["deployment"], site.run)
        await site.client.create(cast("Deployment", Deployment.from_dict(manifest)))
        await site.shop.rolled_out(memory["deployment"])

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """The time in its own log, beside ours."""
        pods = [pod for pod in await self._pods(site) if ready(pod)]
        if not pods:
            return Proof(present=False, detail=f"{memory['deployment']} has no pod that is Ready")
        ahead = [await self._ahead(site, pod) for pod in pods]
        seen = ", ".join(f"{pod_name(pod)} is {by:+.0f} s off" for pod, by in zip(pods, ahead, strict=True))
        return Proof(all(abs(by - self.seconds) < abs(self.seconds) / 2 for by in ahead), seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """It is gone when its last pod is. Raises TimeoutError."""
        with absence_is_fine():
            await site.client.delete(Deployment, memory["deployment"], namespace=site.shop.namespace)
        async with asyncio.timeout(GONE_WITHIN):
            while await self._pods(site):
                await asyncio.sleep(POLL)

    def manifest(self, like: dict[str, Any], name: str, run: str) -> dict[str, Any]:
        """The Deployment of one such pod; what it selects by is the run's, what Services select by is as before."""
        spec, template = like["spec"], like["spec"]["template"]
        labels = {**template["metadata"]["labels"], LABEL: run}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": name,
                "namespace": like["metadata"]["namespace"],
                "labels": {**like["metadata"].get("labels", {}), LABEL: run},
            },
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {**spec["selector"]["matchLabels"], LABEL: run}},
                "template": {
                    "metadata": {**template["metadata"], "labels": labels},
                    "spec": {
                        **template["spec"],
                        "containers": [self._wrong(one) for one in template["spec"]["containers"]],
                    },
                },
            },
        }

    def _wrong(self, container: dict[str, Any]) -> dict[str, Any]:
        if container["name"] != service_of(self.deployment):
            return container
        return {
            **container,
            "env": [*container.get("env", ()), {"name": "CLOCK_OFF_BY_SECONDS", "value": f"{self.seconds:g}"}],
        }

    async def _pods(self, site: Site) -> list[Pod]:
        labels: dict[str, Any] = {"app": service_of(self.deployment), LABEL: site.run}
        return [pod async for pod in site.client.list(Pod, namespace=site.shop.namespace, labels=labels)]

    async def _ahead(self, site: Site, pod: Pod) -> float:
        """How far ahead of ours its clock is, by the last line of its log. Raises ApiError."""
        service = service_of(self.deployment)
        lines = [
            line
            async for line in site.client.log(
                pod_name(pod), namespace=site.shop.namespace, container=service, tail_lines=1
            )
        ]
        said = datetime.fromisoformat(json.loads(lines[-1])["time"])
        return (said - datetime.now(UTC)).total_seconds()
