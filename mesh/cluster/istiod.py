"""Which configuration have the sidecars of a cluster? Every istiod is asked for what it has sent to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.kubectl import Kubectl
from mesh.local.sidecars import ask_istiod
from mesh.local.sync import Sync
from mesh.port_forward import NoWayIn, forwarded

NAMESPACE = "istio-system"
PORT = 8080
_LABELS = {"app": "istiod"}
_TIMEOUT = aiohttp.ClientTimeout(total=5)


class Istiods:
    """The istiods of a cluster, each behind a port of this machine; none when they may not be asked."""

    def __init__(self, session: aiohttp.ClientSession, ports: list[int]) -> None:
        self._session, self._ports = session, ports

    async def syncs(self) -> Mapping[str, Sync] | None:
        """The sidecars by `<pod>.<namespace>`: each is connected to one istiod. None when no istiod can be asked."""
        if not self._ports:
            return None
        answers = await asyncio.gather(*(ask_istiod(self._session, port) for port in self._ports))
        return {proxy: sync for answer in answers for proxy, sync in answer.items()}


@asynccontextmanager
async def reached(client: AsyncClient, kubectl: Kubectl) -> AsyncIterator[Istiods]:
    """The cluster's istiods, while the block runs: those in the usual namespace that this user may forward to."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False))
        ports = []
        for pod in await _pods(client):
            try:
                ports.append(await stack.enter_async_context(forwarded(kubectl, NAMESPACE, f"pod/{pod}", PORT)))
            except NoWayIn:
                continue  # forbidden, or it has just ended
        yield Istiods(session, ports)


async def _pods(client: AsyncClient) -> list[str]:
    try:
        found = [pod async for pod in client.list(Pod, namespace=NAMESPACE, labels=dict(_LABELS))]
    except ApiError:
        return []
    return [str(pod.metadata and pod.metadata.name) for pod in found if pod.status and pod.status.phase == "Running"]
