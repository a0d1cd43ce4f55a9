"""What if a Deployment's container had other environment variables? Every setting of every service is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from lightkube.resources.core_v1 import Pod

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.mesh.envoy import app_of
from mesh.chaos.site import Site


@dataclass(frozen=True)
class Variables:
    """`deployment` is rolled out with these `values`; afterwards with what was there before."""

    kind: ClassVar[str] = "variables"
    lasting: ClassVar[bool] = True

    deployment: str
    values: Mapping[str, str] = field(default_factory=dict)

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        return {"before": await site.shop.variables_of(self.deployment, self.values)}

    async def inject(self, site: Site, memory: Memory) -> None:
        await site.shop.set_variables(self.deployment, self.values)

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """The pods that run are asked for, not the Deployment."""
        app, version = self.deployment.rsplit("-", 1)
        pods = await site.shop.pods(app, version)
        there = [pod for pod in pods if has(pod, self.values)]
        return Proof(
            bool(pods) and len(there) == len(pods), f"{len(there)} of {len(pods)} pods run with {_words(self.values)}"
        )

    async def remove(self, site: Site, memory: Memory) -> None:
        await put_back(site, self.deployment, self.values, memory["before"])


async def put_back(site: Site, deployment: str, ours: Mapping[str, str], before: Mapping[str, str | None]) -> None:
    """Set what is still ours to what it was before; what somebody else has set meanwhile is left."""
    now = await site.shop.variables_of(deployment, ours)
    changed = {name: before[name] for name, value in ours.items() if now[name] == value != before[name]}
    if changed:
        await site.shop.set_variables(deployment, changed)


async def together(rollouts: Iterable[Awaitable[None]]) -> None:
    """Wait for all of them; what went wrong is raised when none is under way any more."""
    for ended in await asyncio.gather(*rollouts, return_exceptions=True):
        if ended is not None:
            raise ended


def has(pod: Pod, values: Mapping[str, str]) -> bool:
    """Whether the pod's service was started with these variables."""
    containers = pod.spec.containers if pod.spec else []
    given = [each.env or [] for each in containers if each.name == app_of(pod)]
    found = {variable.name: variable.value for env in given for variable in env}
    return values.items() <= found.items()


def _words(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
