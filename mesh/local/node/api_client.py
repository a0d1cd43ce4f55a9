"""How does the node speak to the API? With few connections: each costs a handshake on both sides."""

from __future__ import annotations

from pathlib import Path

import httpx2
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ConfigError

# Two are taken by watches. A dozen pods that start together wait for each other a little, and that is quicker
# than a handshake per request.
_CONNECTIONS = 10


def open_client(kubeconfig: Path) -> AsyncClient:
    """A client for the current context of `kubeconfig`; the server's certificate is verified.

    Raises lightkube's ConfigError.
    """
    config = KubeConfig.from_file(kubeconfig).get()
    if config is None or config.user is None:
        raise ConfigError(f"{kubeconfig} has no current context with a user")
    trusted = verify_cluster(config.cluster, config.user, config.abs_file, trust_env=False)
    limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    transport = httpx2.AsyncHTTPTransport(verify=trusted, limits=limits)
    return AsyncClient(config=config, trust_env=False, transport=transport)
