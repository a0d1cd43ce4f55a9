"""Which pods should answer? Those that are Ready, by the service they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.local.reported import ready, staying

Pods = Mapping[str, Sequence[str]]
"""The names of each service's Ready pods."""

_SERVICES = {"app.kubernetes.io/component": "service"}


async def ready_pods(client: AsyncClient, namespace: str) -> Pods:
    """The Ready pods of every service that has a pod."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    async for pod in client.list(Pod, namespace=namespace, labels=dict(_SERVICES)):
        if pod.metadata and pod.metadata.labels:
            of = found[pod.metadata.labels["app"]]
            if ready(pod) and staying(pod):
                of.append(str(pod.metadata.name))
    return {service: sorted(names) for service, names in sorted(found.items())}
