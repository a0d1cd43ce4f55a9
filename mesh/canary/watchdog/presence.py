"""Does a watchdog watch? It renews a Lease of its own, and is there for whoever sees that move.

watchdog-canaries            the cluster's watchdog, which watches every service
watchdog-canary-<service>    a process that watches one service of the local cluster

Nothing is concluded from the time that stands in it: clocks differ, and a dead watchdog's last word may look recent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lightkube import AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.operators import exists
from lightkube.resources.coordination_v1 import Lease

from mesh.chosen_cluster import NAMESPACE

BEATS_EVERY = 4.0
SEEN_WITHIN = 10.0
"""Seconds in which a watchdog that is there has been seen: two beats, and a slow one."""
ALL = "all"
"""In the place of a service's name: every service."""

_LABEL = "argosy/watchdog"
_FIELD_MANAGER = "argosy-watchdog"
_LOOK_EVERY = 0.2

Claims = Mapping[str, tuple[str, str]]
"""Who claims to watch a service, by the name of the Lease: the holder, and the Lease's version."""
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Presence:
    """The sign that a watchdog gives of itself, for one service or for ALL."""

    client: AsyncClient
    service: str
    by: str
    namespace: str = NAMESPACE

    async def beat(self) -> None:
        """Say once more that somebody watches."""
        await self._write(self.by)

    async def withdraw(self) -> None:
        """Say that nobody watches any more; whoever looks need not wait to see it."""
        await self._write("")

    async def _write(self, holder: str) -> None:
        name = "watchdog-canaries" if self.service == ALL else f"watchdog-canary-{self.service}"
        wanted = Lease(
            metadata=ObjectMeta(name=name, namespace=self.namespace, labels={_LABEL: self.service}),
            spec=LeaseSpec(holderIdentity=holder, renewTime=datetime.now(UTC), leaseDurationSeconds=int(SEEN_WITHIN)),
        )
        await self.client.apply(wanted, field_manager=_FIELD_MANAGER, force=True)


def signature() -> str:
    """How this process signs what it does."""
    return f"watchdog@{socket.gethostname()} pid {os.getpid()}"


async def on_duty(client: AsyncClient, service: str, *, namespace: str = NAMESPACE) -> str | None:
    """Who watches the canary of `service`; None: nobody claims to, or no sign of life comes within SEEN_WITHIN."""
    before = await claims(client, service, namespace)
    return await sign_of_life(client, service, before, namespace=namespace) if before else None


async def claims(client: AsyncClient, service: str, namespace: str = NAMESPACE) -> Claims:
    """Who claims to watch `service` now; they may be dead."""
    return {
        str(one.metadata.name): (one.spec.holderIdentity, str(one.metadata.resourceVersion))
        async for one in client.list(Lease, namespace=namespace, labels={_LABEL: exists()})
        if one.metadata and (one.metadata.labels or {}).get(_LABEL) in {service, ALL}
        if one.spec and one.spec.holderIdentity
    }


async def sign_of_life(
    client: AsyncClient,
    service: str,
    before: Claims,
    *,
    namespace: str = NAMESPACE,
    within: float = SEEN_WITHIN,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> str | None:
    """Whose claim on `service` is another than `before`; None when there is none `within` so many seconds."""
    until = clock() + within
    while clock() < until:
        await sleep(_LOOK_EVERY)
        for name, claim in (await claims(client, service, namespace)).items():
            if claim != before.get(name):
                return claim[0]
    return None
