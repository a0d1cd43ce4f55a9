"""Which cluster does a command speak to? The one KUBECONFIG names, the local one without it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lightkube import AsyncClient, KubeConfig

from mesh.local.problems import NotRunning
from mesh.local.settings import read_settings
from mesh.local.state_folder import StateFolder

NAMESPACE = "shop"


@asynccontextmanager
async def opened() -> AsyncIterator[AsyncClient]:
    """A client of that cluster's API, in the shop's namespace.

    Raises NotRunning without KUBECONFIG and a local cluster, lightkube's ConfigError for a bad file.
    """
    client = AsyncClient(config=KubeConfig.from_file(_kubeconfig()), namespace=NAMESPACE, trust_env=False)
    try:
        yield client
    finally:
        await client.close()


def _kubeconfig() -> Path:
    if given := os.environ.get("KUBECONFIG"):
        return Path(given)
    local = StateFolder(read_settings(os.environ).state)
    if not local.kubeconfig.exists():
        raise NotRunning(local.root)
    return local.kubeconfig
