"""What does a Deployment say, and which pods are its own?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.chaos.site import Site
from mesh.local.absence import absence_is_fine
from mesh.running_shop import POLL, ShopError


async def spec_of(site: Site, deployment: str) -> DeploymentSpec:
    """What it asks for. Raises ApiError, ShopError."""
    found = await site.client.get(Deployment, deployment, namespace=site.shop.namespace)
    if found.spec is None:
        raise ShopError(f"Deployment {deployment} has no spec")
    return found.spec


async def missing(site: Site, *deployments: str) -> str:
    """Which of them this cluster has not, for `impossible`; empty when all are there."""
    for deployment in deployments:
        with absence_is_fine():
            await site.client.get(Deployment, deployment, namespace=site.shop.namespace)
            continue
        return f"there is no Deployment {deployment}"
    return ""


async def pods_of(site: Site, deployment: str) -> dict[str, Pod]:
    """Its pods by uid, those included that are on their way out."""
    labels: Mapping[str, Any] = (await spec_of(site, deployment)).selector.matchLabels or {}
    listed = site.client.list(Pod, namespace=site.shop.namespace, labels=dict(labels))
    return {str(pod.metadata and pod.metadata.uid): pod async for pod in listed}


async def gone(site: Site, deployment: str, within: float) -> None:
    """Wait until it has no pod at all. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while await pods_of(site, deployment):
            await asyncio.sleep(POLL)
