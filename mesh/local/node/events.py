"""How does the node tell people what happened? Events on the pod, in the background, repeats counted.

The words and reasons are the kubelet's where it has them, so that what people know from a cluster applies.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.models.core_v1 import EventSource, ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Event, Pod

from mesh.local.node.status import timestamp

log = logging.getLogger(__name__)

_REMEMBERED = 1000
_WAITING = 1000
_MESSAGE_LIMIT = 1024


@dataclass(frozen=True)
class _Happening:
    about: ObjectReference
    kind: str
    reason: str
    message: str

    @property
    def key(self) -> tuple[str | None, ...]:
        return (self.about.uid, self.about.fieldPath, self.kind, self.reason, self.message)


@dataclass
class _Published:
    name: str
    namespace: str
    count: int = 1


class EventRecorder:
    """Accepts happenings at once and publishes them in order; a repeated one raises the count of the first.

    While the API is away so many wait as `waiting` says; then the oldest are dropped.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        component: str,
        host: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        waiting: int = _WAITING,
    ) -> None:
        self._client = client
        self._component, self._host, self._now = component, host, now
        self._waiting: asyncio.Queue[_Happening] = asyncio.Queue(waiting)
        self._dropping = False
        self._published: OrderedDict[tuple[str | None, ...], _Published] = OrderedDict()

    def record(self, pod: Pod, reason: str, message: str, *, warning: bool = False, container: str = "") -> None:
        """Note a happening about `pod`, or about one of its containers."""
        if self._waiting.full():
            self._drop_oldest()
        kind = "Warning" if warning else "Normal"
        self._waiting.put_nowait(_Happening(_about(pod, container), kind, reason, message[:_MESSAGE_LIMIT]))

    async def publish(self) -> None:
        """Write what is recorded, for ever. An event that the API refuses is logged and dropped."""
        while True:
            happening = await self._waiting.get()
            if self._waiting.empty():
                self._dropping = False
            try:
                await self._write(happening)
            except httpx2.HTTPError as error:
                log.warning("event %s about %s not published: %s", happening.reason, happening.about.name, error)

    def _drop_oldest(self) -> None:
        dropped = self._waiting.get_nowait()
        if not self._dropping:  # said once, until the API has caught up
            self._dropping = True
            log.warning("the API does not take events; dropping the oldest, first %s", dropped.reason)

    async def _write(self, happening: _Happening) -> None:
        known = self._published.get(happening.key)
        if known is None:
            self._published[happening.key] = await self._create(happening)
            if len(self._published) > _REMEMBERED:
                self._published.popitem(last=False)
            return
        known.count += 1
        change = {"count": known.count, "lastTimestamp": timestamp(self._now())}
        await self._client.patch(Event, known.name, change, namespace=known.namespace)

    async def _create(self, happening: _Happening) -> _Published:
        about, now = happening.about, self._now()
        event = Event(
            metadata=ObjectMeta(name=f"{about.name}.{uuid.uuid4().hex[:16]}", namespace=about.namespace),
            involvedObject=about,
            type=happening.kind,
            reason=happening.reason,
            message=happening.message,
            source=EventSource(component=self._component, host=self._host),
            reportingComponent=self._component,
            reportingInstance=self._host,
            firstTimestamp=now,
            lastTimestamp=now,
            count=1,
        )
        created = await self._client.create(event)
        return _Published(name=created.metadata.name or "", namespace=about.namespace or "")


def _about(pod: Pod, container: str) -> ObjectReference:
    metadata = pod.metadata or ObjectMeta()
    return ObjectReference(
        apiVersion="v1",
        kind="Pod",
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        resourceVersion=metadata.resourceVersion,
        fieldPath=f"spec.containers{{{container}}}" if container else None,
    )
