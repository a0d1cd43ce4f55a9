"""What if nobody judges a canary? The negative control of a bad one: a ConfigMap with a plan that finds nothing bad."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.site import Site
from mesh.chaos.undo import LABEL
from mesh.local.absence import absence_is_fine

_PLANS = Path(__file__).parent
_KEY = "plan"


@dataclass(frozen=True)
class UnjudgedCanary:
    """The next `bad-canary` of `service` is followed by nobody who would find anything wrong with it."""

    kind: ClassVar[str] = "unjudged-canary"
    lasting: ClassVar[bool] = True

    service: str

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        return {}

    async def inject(self, site: Site, memory: Memory) -> None:
        await self.remove(site, memory)
        metadata = ObjectMeta(name=_name(self.service), namespace=site.shop.namespace, labels={LABEL: site.run})
        plan = (_PLANS / "unjudged.yaml").read_text(encoding="utf-8")
        await site.client.create(ConfigMap(metadata=metadata, data={_KEY: plan}))

    async def proof(self, site: Site, memory: Memory) -> Proof:
        there = await _left(site, self.service) is not None
        return Proof(there, f"ConfigMap {_name(self.service)} is {'' if there else 'not '}there")

    async def remove(self, site: Site, memory: Memory) -> None:
        with absence_is_fine():
            await site.client.delete(ConfigMap, _name(self.service), namespace=site.shop.namespace)


async def plan_for(site: Site, service: str) -> str:
    """The plan of a canary in an experiment: one that judges, but where a control has taken the judge away."""
    return await _left(site, service) or (_PLANS / "judged.yaml").read_text(encoding="utf-8")


async def _left(site: Site, service: str) -> str | None:
    with absence_is_fine():
        found = await site.client.get(ConfigMap, _name(service), namespace=site.shop.namespace)
        return (found.data or {}).get(_KEY)
    return None


def _name(service: str) -> str:
    return f"chaos-canary-plan-{service}"
