"""What in the cluster was made for an experiment? Everything such carries the run's name as a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightkube import AsyncClient
from lightkube.operators import exists
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod, Service
from lightkube.resources.networking_v1 import NetworkPolicy

from mesh.chaos.undo import LABEL, config_map
from mesh.istio_kinds import AuthorizationPolicy, DestinationRule, EnvoyFilter, ServiceEntry, VirtualService
from mesh.local.absence import absence_is_fine

KINDS: tuple[Any, ...] = (
    *(Deployment, Pod, Service, ConfigMap, NetworkPolicy),
    *(VirtualService, DestinationRule, EnvoyFilter, ServiceEntry, AuthorizationPolicy),
)


@dataclass(frozen=True)
class Thing:
    """An object that an experiment has made."""

    kind: Any
    name: str
    run: str

    def __str__(self) -> str:
        return f"{self.kind.__name__} {self.name}"


async def labelled(client: AsyncClient, namespace: str, run: str = "") -> tuple[Thing, ...]:
    """What is there of this run, or of any; without what remembers how to undo it, and what is being deleted."""
    wanted: dict[str, Any] = {LABEL: run or exists()}
    found = [
        Thing(kind, str(one.metadata.name), (one.metadata.labels or {})[LABEL])
        for kind in KINDS
        async for one in client.list(kind, namespace=namespace, labels=wanted)
        if one.metadata and not one.metadata.deletionTimestamp
    ]
    return tuple(thing for thing in found if thing.name != config_map(thing.run))


async def delete(client: AsyncClient, namespace: str, thing: Thing) -> None:
    """Take it away; nothing happens when it is gone."""
    with absence_is_fine():
        await client.delete(thing.kind, thing.name, namespace=namespace)
