"""What was a run done to, and with? Everything that somebody needs who wants the same numbers again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import re
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import httpx2
from lightkube import ApiError
from lightkube.config import client_adapter
from lightkube.models.apps_v1 import Deployment as DeploymentModel
from lightkube.models.core_v1 import PodSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from mesh.chaos.observe.readings import PROXY
from mesh.chaos.site import Site
from mesh.image.source import read_source
from mesh.istio_kinds import AuthorizationPolicy, DestinationRule, EnvoyFilter, PeerAuthentication, VirtualService
from mesh.running_shop import CHECKOUT

_KINDS = (VirtualService, DestinationRule, EnvoyFilter, AuthorizationPolicy, PeerAuthentication)
_BUILT_FROM = CHECKOUT / "mesh" / "local"
_WITHIN = 5.0


async def environment(site: Site, seed: int = 1) -> Mapping[str, Any]:
    """What a verdict says of it; what cannot be had is left out.

    `revision` is the checkout's commit; `images` and `replicas` are by Deployment, `configuration` has a hash for each
    kind of the mesh's objects. The local cluster has no digests: its shop is the checkout.
    """
    source = await asyncio.to_thread(read_source, CHECKOUT, os.environ)
    found: dict[str, Any] = {
        "revision": source.revision,
        "version": source.version,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "context": site.cluster.name,
        "local": site.cluster.local,
        "seed": seed,
    }
    for part in (_kubernetes, _deployed, _mesh, _configured):
        found |= await _if_it_can_be_had(part(site))
    return found


async def _if_it_can_be_had(part: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
    with suppress(ApiError, httpx2.HTTPError, TimeoutError):
        async with asyncio.timeout(_WITHIN):
            return await part
    return {}


async def _kubernetes(site: Site) -> Mapping[str, Any]:
    patience = client_adapter.ConnectionParams(timeout=httpx2.Timeout(_WITHIN), trust_env=False)
    async with client_adapter.AsyncClient(site.client.config, patience) as http:
        return {"kubernetes": (await http.get("/version")).raise_for_status().json()["gitVersion"]}


async def _deployed(site: Site) -> Mapping[str, Any]:
    deployments = [each async for each in site.client.list(Deployment, namespace=site.shop.namespace)]
    pods = [each async for each in site.client.list(Pod, namespace=site.shop.namespace)]
    images = {_name(each): image for each in deployments if (image := _image(each))}
    return {
        "replicas": {_name(each): each.spec.replicas or 0 for each in deployments if each.spec},
        "images": images,
        "digests": sorted({digest for pod in pods for digest in _digests(pod)}),
    }


def _name(deployment: DeploymentModel) -> str:
    return str(deployment.metadata and deployment.metadata.name)


def _image(deployment: DeploymentModel) -> str:
    spec = deployment.spec and deployment.spec.template.spec
    return str(spec.containers[0].image or "") if spec else ""


def _digests(pod: Pod) -> Iterable[str]:
    statuses = (pod.status and pod.status.containerStatuses) or ()
    return (status.imageID for status in statuses if status.imageID)


async def _mesh(site: Site) -> Mapping[str, Any]:
    """Istio and its Envoy: what the local cluster's are built from, elsewhere the image of the proxies."""
    if site.cluster.local:
        modules = (_BUILT_FROM / "programs" / "go.mod").read_text(encoding="utf-8")
        wheels = (_BUILT_FROM / "requirements-envoy.txt").read_text(encoding="utf-8")
        return {"istio": _found(r"^\s*istio\.io/istio (\S+)", modules), "envoy": _found(r"==(\S+)", wheels)}
    images = {image for pod in await site.shop.pods("orders") for image in _proxy_images(pod.spec)}
    return {"istio": ", ".join(sorted(images))}


def _proxy_images(spec: PodSpec | None) -> Iterable[str]:
    containers = [*spec.containers, *(spec.initContainers or [])] if spec else []
    return (str(each.image) for each in containers if each.name == PROXY)


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


async def _configured(site: Site) -> Mapping[str, Any]:
    return {"configuration": {kind.__name__: await _hash(site, kind) for kind in _KINDS}}


async def _hash(site: Site, kind: Any) -> str:
    objects = {
        str(each.metadata and each.metadata.name): each.get("spec")
        async for each in site.client.list(kind, namespace=site.shop.namespace)
    }
    return hashlib.sha256(json.dumps(objects, sort_keys=True).encode()).hexdigest()[:16]
