"""How is a cluster's API asked? By lightkube, in the shop's namespace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lightkube import AsyncClient, KubeConfig

from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.local.problems import NotRunning


@asynccontextmanager
async def opened(cluster: Cluster) -> AsyncIterator[AsyncClient]:
    """A client of the cluster's API.

    Raises NotRunning for a local cluster that is not there, lightkube's ConfigError for a bad kubeconfig.
    """
    if cluster.local and not cluster.kubeconfig.exists():
        raise NotRunning(cluster.kubeconfig.parent)
    config = KubeConfig.from_file(cluster.kubeconfig).get(cluster.context or None)
    client = AsyncClient(config=config, namespace=NAMESPACE, trust_env=False)
    try:
        yield client
    finally:
        await client.close()
