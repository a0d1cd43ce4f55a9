"""What have all servers of the running shop counted? Asked through the Kubernetes API, or at the pods themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod

from loadtest.reconciling import Books
from loadtest.server_calls import METRICS_PORT, Counts, Series, parse
from mesh.chosen_cluster import Cluster
from mesh.kube_client import opened
from mesh.local.progress import Progress
from mesh.local.reported import staying
from mesh.local.settings import Settings
from mesh.pod_pages import Unreached, Way, way_to
from mesh.running_shop import pod_name

SETTLED = 10  # looks, a moment apart
MOMENT = 0.5  # seconds


class Bookkeeper:
    """Reads the counters of every pod that has some."""

    def __init__(self, client: AsyncClient, way: Way) -> None:
        self._client, self._way = client, way

    async def read(self) -> Books:
        """The books as they are now. Raises lightkube's errors when the API server does not answer."""
        pods = [pod async for pod in self._client.list(Pod) if staying(pod) and _counts(pod)]
        counts: dict[Series, float] = {}
        unreached = set()
        for pod, found in zip(pods, await asyncio.gather(*map(self._of, pods)), strict=True):
            if isinstance(found, Unreached):
                unreached.add(f"{pod_name(pod)}: {found}")
            else:
                counts |= found
        return Books(counts, frozenset(unreached))

    async def read_until(self, enough: Callable[[Books], bool]) -> Books:
        """The same, some moments later if need be: a server counts a call after it has answered."""
        for _ in range(SETTLED):
            books = await self.read()
            if enough(books):
                break
            await asyncio.sleep(MOMENT)
        return books

    async def _of(self, pod: Pod) -> Counts | Unreached:
        try:
            text = await self._way.ask(pod, METRICS_PORT, "/metrics")
        except Unreached as why:
            return why
        began, counters = parse(text)
        app = ((pod.metadata and pod.metadata.labels) or {}).get("app", "")
        return {Series(app, pod_name(pod), began, *counter): value for counter, value in counters.items()}


def _counts(pod: Pod) -> bool:
    """Whether a container says that its counters are there to be read."""
    ports = (
        port.containerPort for container in (pod.spec.containers if pod.spec else ()) for port in container.ports or ()
    )
    return METRICS_PORT in ports


@asynccontextmanager
async def bookkeeper(cluster: Cluster, settings: Settings, progress: Progress) -> AsyncIterator[Bookkeeper]:
    """Somebody who can reach the cluster's pods while the block runs. Raises NotRunning."""
    async with opened(cluster) as client, way_to(cluster, client.config, settings, progress) as way:
        yield Bookkeeper(client, way)
