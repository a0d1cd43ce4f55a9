"""Keeps the API's copy of one pod's status equal to what the node sees."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Pod
from lightkube.types import PatchType

from mesh.local.node.status import PodView, news_for_others, pod_status

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_TOGETHER_SECONDS = 0.2


class PodStatusPublisher:
    """One pod's status. Changes that come while a request is under way are written together."""

    def __init__(self, client: AsyncClient, pod: Pod, view: Callable[[], PodView]) -> None:
        self._client, self._pod = client, pod
        self._view = view
        self._changed = asyncio.Event()
        self._since: dict[str, tuple[bool, datetime]] = {}
        self._written: dict[str, Any] = {}
        self._known_to_others = (False, False)
        self._writing = asyncio.Lock()

    def changed(self) -> None:
        """Look at the pod again."""
        self._changed.set()

    async def publish(self) -> None:
        """Write every change, for ever; retried when the API does not answer."""
        while True:
            await self._changed.wait()
            await self._gather()
            self._changed.clear()
            try:
                await self.write_now()
            except httpx2.HTTPError as error:
                log.warning("status of %s not written: %s", self._pod.metadata and self._pod.metadata.name, error)
                await asyncio.sleep(_RETRY_SECONDS)
                self._changed.set()

    async def _gather(self) -> None:
        """Wait a little for further changes, unless others wait for what has changed already."""
        try:
            async with asyncio.timeout(_TOGETHER_SECONDS):
                while news_for_others(self._view()) == self._known_to_others:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    async def write_now(self) -> None:
        """Write the status if it is another than before. Raises httpx2.HTTPError."""
        async with self._writing:
            view = self._view()
            status = pod_status(view, self._since, datetime.now(UTC))
            if status != self._written and await self._patch(status):
                self._written = status
                self._known_to_others = news_for_others(view)

    async def _patch(self, status: dict[str, Any]) -> bool:
        metadata = self._pod.metadata
        if metadata is None:
            return False
        change = {"metadata": {"uid": metadata.uid}, "status": status}
        try:
            await self._client.patch(
                Pod.Status, metadata.name or "", change, namespace=metadata.namespace, patch_type=PatchType.STRATEGIC
            )
        except ApiError as error:
            # The pod is gone, or another has its name.
            if error.status.code in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                return False
            raise
        return True
