"""What is an experiment done to, made ready? Ways to the cluster's API, its gateway and the processes of its pods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.gateway import reached
from mesh.kube_client import opened
from mesh.local.commands.surroundings import settings
from mesh.local.progress import Progress
from mesh.pod_processes import processes_of
from mesh.running_shop import Shop


@asynccontextmanager
async def staged(
    cluster: Cluster, run: str, told: Progress, say: Callable[[str], None], *, customers: bool = True
) -> AsyncIterator[Site]:
    """The site of this run, while the block lasts; for who only undoes, without a way in for customers.

    Raises NotRunning, NoGateway, BuildFailed.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(opened(cluster))
        gateway = await stack.enter_async_context(reached(cluster, told)) if customers else ""
        processes = processes_of(cluster, settings(), told)
        yield Site(cluster, client, Shop(client), processes, gateway, run, say)
