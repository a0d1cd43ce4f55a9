"""What if the network between two services were broken, while both are well? Refused, reset, or a black hole.

A rule before the callee's own leads the caller's calls to a host that is not the callee: a port where nobody listens,
or a peer that treats them badly. Their retries, time-outs and connection settings stay: those are what is examined.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, cast

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod
from lightkube.resources.networking_v1 import NetworkPolicy
from pydantic import Field

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh import detour
from mesh.chaos.faults.mesh.compare_and_set import compare_and_set
from mesh.chaos.faults.mesh.envoy import hosts, pods_of
from mesh.chaos.faults.mesh.peer import BLACK_HOLE, PORT, RESET, command
from mesh.chaos.problems import NotInjected
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL
from mesh.errand_pod import Errand, closed
from mesh.istio_kinds import DestinationRule, ServiceEntry, VirtualService
from mesh.local.absence import absence_is_fine
from mesh.local.reported import ready
from mesh.running_shop import POLL, PROPAGATION, pod_address

STARTS_WITHIN = 30.0
_RULES = "/spec/http"


@dataclass(frozen=True)
class Network:
    """`percent` of what `caller` sends to `callee` is treated so."""

    kind: ClassVar[str] = "network"
    lasting: ClassVar[bool] = True

    caller: str
    callee: str
    how: Literal["refused", "reset", "black-hole"]
    percent: Annotated[int, Field(ge=1, le=100)] = 100

    async def impossible(self, site: Site) -> str:
        entrance = await self._entrance(site)
        led = detour.rules(entrance, [], self.caller, "anywhere", self.percent)
        return "" if led else f"no rule leads from {self.caller} to {self.callee}"

    async def plan(self, site: Site) -> Memory:
        return {"host": f"{self.how}.chaos.internal", "name": f"chaos-{self.how}-{self.callee}"}

    async def inject(self, site: Site, memory: Memory) -> None:
        await self._make_host(site, memory["name"], memory["host"])
        await asyncio.sleep(PROPAGATION)  # a route to a host that Envoy does not know yet would answer for it
        entrance = await self._entrance(site)
        primary = await site.client.get(VirtualService, self.callee, namespace=site.shop.namespace)
        ours = detour.rules(entrance, primary["spec"]["http"], self.caller, memory["host"], self.percent)
        await self._set(site, entrance, [*ours, *entrance])
        await asyncio.sleep(PROPAGATION)

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """There once every Envoy of the caller knows the host and has tried it; gone once none knows it."""
        counted = [await hosts(site, pod, memory["host"]) for pod in await pods_of(site, self.caller)]
        connections = sum(each.get("cx_total", 0.0) for each in counted)
        failed = sum(each.get("cx_connect_fail", 0.0) for each in counted)
        seen = (
            f"{sum(map(bool, counted))} of {len(counted)} Envoys at {self.caller} know {memory['host']};"
            f" {connections:.0f} connections tried, {failed:.0f} failed"
        )
        return Proof((all(counted) and connections > 0) or (None if any(counted) else False), seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        """Our rules first: what they lead to is gone a moment later."""
        entrance = await self._entrance(site)
        await self._set(site, entrance, detour.without(entrance))
        await asyncio.sleep(PROPAGATION)
        made: Mapping[type[Any], tuple[str, ...]] = {
            ServiceEntry: (memory["name"],),
            DestinationRule: (memory["name"],),
            NetworkPolicy: tuple(detour.ways(memory["name"], self.caller)),
            Pod: (memory["name"],),
        }
        for kind, names in made.items():
            for name in names:
                with absence_is_fine():
                    await site.client.delete(kind, name, namespace=site.shop.namespace, grace_period=0)

    async def _make_host(self, site: Site, name: str, host: str) -> None:
        address, port = await self._start_peer(site, name) if self.how in (RESET, BLACK_HOLE) else detour.NOBODY
        callee = await site.client.get(DestinationRule, self.callee, namespace=site.shop.namespace)
        policy = {"host": host, "trafficPolicy": callee["spec"].get("trafficPolicy", {})}
        metadata = _metadata(site, name)
        await site.client.create(ServiceEntry(metadata=metadata, spec=detour.service_entry(host, address, port)))
        await site.client.create(DestinationRule(metadata=metadata, spec=policy))

    async def _start_peer(self, site: Site, name: str) -> tuple[str, int]:
        """Where the peer listens. Raises NotInjected."""
        namespace, like = site.shop.namespace, (await pods_of(site, self.callee))[0]
        if await closed(site.client, namespace):
            for policy, spec in detour.ways(name, self.caller).items():
                document = {"metadata": _metadata(site, policy).to_dict(), "spec": spec}
                await site.client.create(cast("NetworkPolicy", NetworkPolicy.from_dict(document)))
        account = str(like.spec and like.spec.serviceAccountName)
        errand = Errand(name, account, command(self.how), in_mesh=False).manifest(like, name, namespace)
        await site.client.create(cast("Pod", Pod.from_dict(detour.listening(errand, site.run))))
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                while not ready(pod := await site.client.get(Pod, name, namespace=namespace)):
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise NotInjected(f"pod {name} does not run within {STARTS_WITHIN:g} s") from None
        return pod_address(pod), PORT

    async def _entrance(self, site: Site) -> list[Mapping[str, Any]]:
        """The rules by which the shop's own services call the callee."""
        found = await site.client.get(VirtualService, f"{self.callee}-mesh", namespace=site.shop.namespace)
        rules: list[Mapping[str, Any]] = found["spec"]["http"]
        return rules

    async def _set(self, site: Site, old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> None:
        if old != new:
            await compare_and_set(site, VirtualService, f"{self.callee}-mesh", _RULES, old=old, new=new)


def _metadata(site: Site, name: str) -> ObjectMeta:
    return ObjectMeta(name=name, namespace=site.shop.namespace, labels={LABEL: site.run})
