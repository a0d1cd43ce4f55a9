"""Every object of a kind and everything that happens to it, across restarts of the API server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.core.resource import NamespacedResourceG

log = logging.getLogger(__name__)

Kind = TypeVar("Kind", bound=NamespacedResourceG)

_PAUSE_FIRST = 0.1
_PAUSE_MAXIMUM = 2.0


@dataclass(frozen=True)
class Listed(Generic[Kind]):
    """All objects there are now; what is not among them has gone."""

    objects: list[Kind]


@dataclass(frozen=True)
class Changed(Generic[Kind]):
    """One object is new or different."""

    object: Kind


@dataclass(frozen=True)
class Deleted(Generic[Kind]):
    object: Kind


async def follow(
    client: AsyncClient, kind: type[Kind], namespace: str = "*"
) -> AsyncIterator[Listed[Kind] | Changed[Kind] | Deleted[Kind]]:
    """What there is, in all namespaces or one, then each change, for ever; begins with a list again when it breaks."""
    pause = _PAUSE_FIRST
    while True:
        try:
            listing = client.list(kind, namespace=namespace)
            yield Listed([each async for each in listing])
            pause = _PAUSE_FIRST
            async for change, each in client.watch(kind, namespace=namespace, resource_version=listing.resourceVersion):
                yield Deleted(each) if change == "DELETED" else Changed(each)
        except (httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
            # ValueError: the last line was cut when the connection broke. 410 Gone is an HTTPError.
            log.info("watch of %s broke and begins anew: %s", kind.__name__, error or type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSE_MAXIMUM)
