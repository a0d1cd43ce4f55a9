"""What if a layer of protection were switched off? The negative control of most experiments.

    app     the services' own retries, breakers, bulkheads, fallbacks and limits, by their settings
    mesh    retries, retry budgets and outlier detection in front of them, from the mesh's objects

Deadlines, probes and Kubernetes itself stay: nobody runs without them. `make compare` takes the same away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment

from loadtest.compare.protection import SETTINGS
from loadtest.mesh_objects import Name, Specs, replace, restored, specs_of, stripped_before
from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh.variables import has, put_back, together
from mesh.chaos.site import Site
from mesh.running_shop import PROPAGATION

OFF = dict.fromkeys(SETTINGS, "off")
_SERVICE = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Unprotected:
    """`services` (all, where none is named) without their own layers (`app`), the mesh's in front of them (`mesh`)."""

    kind: ClassVar[str] = "unprotected"
    lasting: ClassVar[bool] = True

    app: bool = False
    mesh: bool = False
    services: tuple[str, ...] = ()

    async def impossible(self, site: Site) -> str:
        """Nothing to take away would compare the shop with itself."""
        if not (self.app or self.mesh):
            return "neither the application's layers nor the mesh's are to be switched off"
        if self.mesh and not await self._protecting(site):
            return "no object of the mesh protects these services"
        return ""

    async def plan(self, site: Site) -> Memory:
        deployments = await self._deployments(site) if self.app else []
        settings = {deployment: await site.shop.variables_of(deployment, OFF) for deployment in deployments}
        specs = await self._protecting(site) if self.mesh else {}
        return {"settings": settings, "specs": {" ".join(name): spec for name, spec in specs.items()}}

    async def inject(self, site: Site, memory: Memory) -> None:
        wanted = self._names(memory)
        now = await specs_of(site.client)
        await replace(site.client, {name: stripped_before(now[name], self.services) for name in wanted})
        await together(site.shop.set_variables(deployment, OFF) for deployment in memory["settings"])
        await asyncio.sleep(PROPAGATION)

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """The pods that run are asked for, and the objects of the mesh."""
        apps = {deployment.rsplit("-", 1)[0] for deployment in memory["settings"]}
        pods = [has(pod, OFF) for app in sorted(apps) for pod in await site.shop.pods(app)]
        now = await specs_of(site.client)
        bare = [stripped_before(now[name], self.services) == now[name] for name in self._names(memory) if name in now]
        seen = (
            f"{sum(pods)} of {len(pods)} pods without their layers, {sum(bare)} of {len(bare)} objects of the mesh bare"
        )
        return Proof(all(pods + bare) if pods or bare else None, seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """What protects comes back into the objects as they are now: a route may have other weights meanwhile."""
        now = await specs_of(site.client)
        before = {self._name(text): spec for text, spec in memory["specs"].items()}
        await replace(site.client, {name: restored(now[name], spec) for name, spec in before.items() if name in now})
        await together(put_back(site, deployment, OFF, values) for deployment, values in memory["settings"].items())
        await asyncio.sleep(PROPAGATION)

    async def _protecting(self, site: Site) -> Specs:
        found = await specs_of(site.client)
        return {name: spec for name, spec in found.items() if stripped_before(spec, self.services) != spec}

    async def _deployments(self, site: Site) -> list[str]:
        listed = site.client.list(Deployment, namespace=site.shop.namespace, labels={_SERVICE: "service"})
        metadata = [found.metadata or ObjectMeta() async for found in listed]
        return [str(each.name) for each in metadata if not self.services or (each.labels or {})["app"] in self.services]

    @classmethod
    def _names(cls, memory: Memory) -> Iterable[Name]:
        return [cls._name(text) for text in memory["specs"]]

    @staticmethod
    def _name(text: str) -> Name:
        return Name(*text.split(" ", 1))
