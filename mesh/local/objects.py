"""What must a fresh API server hold before Istio and the node can work? Rights, kinds, injection, validation.

A task of the supervisor: `python -m mesh.local.objects KUBECONFIG CRDS NAME=VALUE...` waits for the API, applies, ends.
It may run again at any time: everything is applied, nothing is created twice.
"""

from __future__ import annotations

import asyncio
import string
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from httpx2 import HTTPStatusError, TransportError
from lightkube import AsyncClient, KubeConfig, codecs
from lightkube.generic_resource import create_namespaced_resource

from mesh.local.kinds import Document, read_condensed

MANIFESTS = Path(__file__).parent / "manifests"
NAMESPACES = "namespaces.yaml"
RIGHTS = ("istiod.yaml", "node.yaml")
VALIDATION = "validation.yaml"
# Belongs to the node: it knows which of a pod's containers are sidecars, and runs them.
INJECTION = Path(__file__).parent / "node" / "injection.yaml"

_AT_ONCE = 8
_RETRY_EVERY = 0.05
# What an API server answers while its own parts are starting.
_STILL_STARTING = {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


async def apply_all(client: AsyncClient, crds: Path, values: Mapping[str, str]) -> None:
    """Apply everything in the order of need; returns when every kind is served. Waits for the API.

    Raises lightkube's ApiError when the API refuses an object.
    """
    kinds = read_condensed(crds)
    await _apply(client, documents(MANIFESTS / NAMESPACES))
    rights = [document for name in RIGHTS for document in documents(MANIFESTS / name)]
    await _apply(client, rights + documents(INJECTION))
    await _apply(client, kinds)
    await _apply(client, documents(MANIFESTS / VALIDATION, values))
    await asyncio.gather(*(_until_served(client, kind) for kind in kinds))


def documents(path: Path, values: Mapping[str, str] | None = None) -> list[Document]:
    """The YAML documents in `path`, with `$name` replaced by `values` when given."""
    text = path.read_text(encoding="utf-8")
    if values is not None:
        text = string.Template(text).substitute(values)
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


async def _apply(client: AsyncClient, wanted: Iterable[Document]) -> None:
    # A fresh API server answers one at a time almost as fast as all at once; a few keep both sides busy.
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(document: Document) -> None:
        async with free:
            await _until_started(lambda: _create_or_apply(client, codecs.from_dict(document)))

    await asyncio.gather(*(one(document) for document in wanted))


async def _create_or_apply(client: AsyncClient, wanted: Any) -> None:
    """Creating costs the API server half of what applying does, and most often nothing is there yet."""
    try:
        await client.create(wanted)
    except HTTPStatusError as error:
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise
        await client.apply(wanted, force=True)


async def _until_started(ask: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await ask()
        except TransportError:
            pass  # not listening yet
        except HTTPStatusError as error:
            if error.response.status_code not in _STILL_STARTING:
                raise
        else:
            return
        await asyncio.sleep(_RETRY_EVERY)


async def _until_served(client: AsyncClient, kind: Document) -> None:
    """Established is not yet served; istiod's first list would fail, and its next one comes a second later."""
    spec = kind["spec"]
    names = spec["names"]
    for version in spec["versions"]:
        resource = create_namespaced_resource(spec["group"], version["name"], names["kind"], names["plural"])
        while not await _served(client, resource):
            await asyncio.sleep(_RETRY_EVERY)


async def _served(client: AsyncClient, resource: Any) -> bool:
    try:
        async for _ in client.list(resource, namespace="istio-system"):
            pass
    except HTTPStatusError as error:
        if error.response.status_code in _STILL_STARTING | {HTTPStatus.NOT_FOUND}:
            return False
        raise
    return True


async def _main(kubeconfig: Path, crds: Path, values: Mapping[str, str]) -> None:
    config = KubeConfig.from_file(kubeconfig)
    client = AsyncClient(config, field_manager="argosy", trust_env=False)
    try:
        await apply_all(client, crds, values)
    finally:
        await client.close()


if __name__ == "__main__":
    kubeconfig_file, crds_file, *named_values = sys.argv[1:]
    asyncio.run(_main(Path(kubeconfig_file), Path(crds_file), dict(pair.split("=", 1) for pair in named_values)))
