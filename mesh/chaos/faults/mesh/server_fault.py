"""What if a service answered errors, or late? Injected at its servers, where every layer sees it (decision 15)."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from grpc import StatusCode
from lightkube.models.meta_v1 import ObjectMeta
from pydantic import Field

from loadtest.server_fault import envoy_filter, percentage
from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh.envoy import listeners, pods_of, statistics
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL
from mesh.istio_kinds import EnvoyFilter
from mesh.local.absence import absence_is_fine
from mesh.running_shop import PROPAGATION


@dataclass(frozen=True)
class ServerFault(ABC):
    """`percent` of the calls of these `methods` (all, where none is named) at the servers of `service`."""

    kind: ClassVar[str]
    lasting: ClassVar[bool] = True
    counter: ClassVar[str]
    """How Envoy counts the calls that met it."""

    service: str
    methods: tuple[str, ...] = ()
    percent: Annotated[float, Field(gt=0, le=100)] = 100.0

    @abstractmethod
    def fault(self) -> Mapping[str, Any]:
        """What Envoy's filter is told to do."""

    @property
    def paths(self) -> str:
        """A regular expression for the paths that are meant; never those of probes and operators."""
        names = "|".join(map(re.escape, self.methods)) or "[^/]+"
        return rf"/shop\.{re.escape(self.service)}\.[^/]+/({names})"

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        return {"object": f"chaos-{self.kind}-{self.service}", "met": await self._met(site)}

    async def inject(self, site: Site, memory: Memory) -> None:
        spec = envoy_filter({"app": self.service}, [self.paths], self.fault(), name=memory["object"])
        metadata = ObjectMeta(name=memory["object"], namespace=site.shop.namespace, labels={LABEL: site.run})
        await site.client.create(EnvoyFilter(metadata=metadata, spec=spec))
        await asyncio.sleep(PROPAGATION)

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """There once every server's Envoy has it in a listener and calls have met it; gone once none has it."""
        pods = await pods_of(site, self.service)
        having = [memory["object"] in await listeners(site, pod) for pod in pods]
        seen = f"{sum(having)} of {len(having)} Envoys at {self.service} have it in force"
        met, before = await self._met(site), memory["met"]
        if met is None or before is None:
            return Proof(
                all(having) or (None if any(having) else False), f"{seen}; calls that meet it are not counted here"
            )
        there = all(having) and met > before
        return Proof(there or (None if any(having) else False), f"{seen}, {met - before:.0f} calls met it")

    async def remove(self, site: Site, memory: Memory) -> None:
        with absence_is_fine():
            await site.client.delete(EnvoyFilter, memory["object"], namespace=site.shop.namespace)
        await asyncio.sleep(PROPAGATION)

    async def _met(self, site: Site) -> float | None:
        """Calls that have met a fault so far, at the pods that run now; None where Istio keeps them uncounted."""
        counter = rf"http\.inbound.*fault\.{self.counter}"
        counts = [await statistics(site, pod, counter) for pod in await pods_of(site, self.service)]
        return sum(sum(each.values()) for each in counts) if all(counts) else None


@dataclass(frozen=True)
class ServerErrors(ServerFault):
    """They end in a `status`, before the service has seen them."""

    kind: ClassVar[str] = "server-errors"
    counter: ClassVar[str] = "aborts_injected"

    status: str = "UNAVAILABLE"

    async def impossible(self, site: Site) -> str:
        return "" if self.status in StatusCode.__members__ else f"gRPC has no status {self.status}"

    def fault(self) -> Mapping[str, Any]:
        return {"abort": {"grpc_status": StatusCode[self.status].value[0], "percentage": percentage(self.percent)}}


@dataclass(frozen=True)
class ServerSlow(ServerFault):
    """They wait for `seconds` before the service sees them; longer than anybody waits is a black hole."""

    kind: ClassVar[str] = "server-slow"
    counter: ClassVar[str] = "delays_injected"

    seconds: Annotated[float, Field(gt=0)] = 2.0

    def fault(self) -> Mapping[str, Any]:
        return {"delay": {"fixed_delay": f"{self.seconds:g}s", "percentage": percentage(self.percent)}}
