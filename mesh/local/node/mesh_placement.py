"""Keeps one pod's place in the mesh equal to its readiness: an endpoint exactly while it takes traffic.

Apart from the status, because calls fail while a dead pod is still an endpoint, and a status can wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx2
from lightkube.resources.core_v1 import Pod

from mesh.local.node.mesh_registration import MeshRegistration

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5


class MeshPlacement:
    """One pod's WorkloadEntry."""

    def __init__(
        self,
        registration: MeshRegistration,
        pod: Pod,
        entry: dict[str, Any],
        ready: Callable[[], bool],
        moved: Callable[[], None],
    ) -> None:
        self._registration, self._pod, self._entry = registration, pod, entry
        self._ready, self._moved = ready, moved
        self._changed = asyncio.Event()
        self._moving = asyncio.Lock()
        self.entered = False
        """Whether callers are being sent to the pod."""

    def changed(self) -> None:
        """Look at the pod again."""
        self._changed.set()

    async def follow(self) -> None:
        """Follow every change, for ever; retried when the API does not answer."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.settle()
            except httpx2.HTTPError as error:
                log.warning(
                    "%s not put in its place in the mesh: %s", self._pod.metadata and self._pod.metadata.name, error
                )
                await asyncio.sleep(_RETRY_SECONDS)
                self._changed.set()

    async def settle(self) -> None:
        """Enter or leave as the pod is now. Raises httpx2.HTTPError."""
        async with self._moving:
            ready = self._ready()
            if ready and not self.entered:
                await self._registration.enter(self._pod, self._entry)
            elif self.entered and not ready:
                await self._registration.leave(self._pod)
            if self.entered is not ready:
                self.entered = ready
                self._moved()
