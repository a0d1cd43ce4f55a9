"""How is the shop's gateway reached from here?

ARGOSY_GATEWAY=host:port    there, whatever else is set: at a load balancer, at a node's port
the local cluster           at its own port on 127.0.0.1
any other cluster           through a `kubectl port-forward` that lasts as long as its user
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from anyio.from_thread import start_blocking_portal

from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.kubectl import find_kubectl
from mesh.local.addresses import LOOPBACK, addresses_of
from mesh.local.problems import LocalClusterError
from mesh.local.progress import Progress
from mesh.local.settings import read_settings
from mesh.port_forward import NoWayIn, forwarded

VARIABLE = "ARGOSY_GATEWAY"
SERVICE, PORT = "gateway", 8080


class NoGateway(LocalClusterError):
    """The gateway cannot be reached."""

    exit_code = 3

    def __init__(self, cluster: Cluster, why: object) -> None:
        where = f"namespace {NAMESPACE} of context {cluster.name}"
        super().__init__(
            f"no gateway can be reached in {where}: {why}\n"
            f"`argosy deploy` brings one, `argosy status` shows why it may not be Ready; {VARIABLE}=host:port names"
            " another way in"
        )


def known(environ: Mapping[str, str] = os.environ) -> str:
    """host:port as it was given, else the local cluster's."""
    own = f"{LOOPBACK}:{addresses_of(read_settings(environ).instance).gateway}"
    return environ.get(VARIABLE) or own


@asynccontextmanager
async def reached(cluster: Cluster, progress: Progress, environ: Mapping[str, str] = os.environ) -> AsyncIterator[str]:
    """host:port of the cluster's gateway, while the block runs. Raises NoGateway."""
    if cluster.local or environ.get(VARIABLE):
        yield known(environ)
        return
    async with AsyncExitStack() as stack:
        kubectl = find_kubectl(cluster, read_settings(environ), progress)
        try:
            port = await stack.enter_async_context(forwarded(kubectl, NAMESPACE, f"service/{SERVICE}", PORT))
        except NoWayIn as error:
            raise NoGateway(cluster, error) from error
        yield f"{LOOPBACK}:{port}"


def through_one_pod(cluster: Cluster, at: str) -> bool:
    """Whether this way in is a port-forward, which ends with the pod of the gateway that it leads to."""
    return not cluster.local and at.startswith(f"{LOOPBACK}:")


@contextmanager
def reached_meanwhile(cluster: Cluster, progress: Progress, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The same for callers without an event loop: it is kept reachable from a thread."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(reached(cluster, progress, environ)) as at,
    ):
        yield at
