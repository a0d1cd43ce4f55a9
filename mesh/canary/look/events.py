"""What does `kubectl get events` say of a canary? Everything that was decided or done, about its VirtualService."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import httpx2
from lightkube import AsyncClient
from lightkube.models.core_v1 import EventSource, ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Event

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.look.telling import told
from mesh.chosen_cluster import NAMESPACE

log = logging.getLogger(__name__)

_COMPONENT = "argosy-canary"
_MESSAGE_LIMIT = 1024
_LAST_WORDS = 5.0

_REASONS = {
    Kind.STARTED: "CanaryStarted",
    Kind.OBSERVED: "CanaryStepSeen",
    Kind.REQUESTED: "CanaryAsked",
    Kind.PAUSED: "CanaryPaused",
    Kind.RESUMED: "CanaryResumed",
    Kind.STOLEN: "CanaryLockStolen",
}
_ENDS = {
    "promoted": "CanaryPromoted",
    "rolled-back": "CanaryRolledBack",
    "inconclusive": "CanaryInconclusive",
    "drifted": "CanaryDrifted",
}
_WEIGHTS = {"shift", "promote", "rollback"}
_WORRYING = {
    *("CanaryWorse", "CanaryPaused", "CanaryLockStolen", "CanaryGateFailed"),
    *("CanaryRolledBack", "CanaryInconclusive", "CanaryDrifted"),
}


def reason_of(entry: Entry) -> str | None:
    """The Event's reason; None: what happens every few seconds is no Event."""
    match entry.kind:
        case Kind.APPLIED:
            return "CanaryWeights" if entry.facts["done"] and entry.facts["action"] in _WEIGHTS else None
        case Kind.JUDGED:
            return {"worse": "CanaryWorse", "better-or-equal": "CanaryBetterOrEqual"}.get(entry.facts["outcome"])
        case Kind.GATE:
            return f"CanaryGate{str(entry.facts['outcome']).capitalize()}"
        case Kind.ENDED:
            return _ENDS.get(entry.facts["outcome"], "CanaryEnded")
        case kind:
            return _REASONS.get(kind)


def event_of(entry: Entry, service: str, uid: str, *, namespace: str = NAMESPACE) -> Event | None:
    """The Event of an entry, about the VirtualService with this uid; the same entry has the same name."""
    reason = reason_of(entry)
    if reason is None:
        return None
    at = datetime.fromtimestamp(entry.at, UTC)
    return Event(
        metadata=ObjectMeta(name=f"canary-{service}.{entry.run}.{entry.n}", namespace=namespace),
        involvedObject=ObjectReference(
            apiVersion="networking.istio.io/v1",
            kind="VirtualService",
            name=service,
            namespace=namespace,
            uid=uid or None,
        ),
        type="Warning" if reason in _WORRYING else "Normal",
        reason=reason,
        message=told(entry)[:_MESSAGE_LIMIT],
        source=EventSource(component=_COMPONENT),
        reportingComponent=_COMPONENT,
        reportingInstance=entry.by[:128],
        firstTimestamp=at,
        lastTimestamp=at,
        count=1,
    )


class Events:
    """Writes entries as Events, in order and in the background; one that the API refuses is logged and dropped."""

    def __init__(self, client: AsyncClient, service: str, uid: str) -> None:
        self._client, self._service, self._uid = client, service, uid
        self._waiting: asyncio.Queue[Event] = asyncio.Queue()

    def heard(self, entry: Entry) -> None:
        event = event_of(entry, self._service, self._uid)
        if event is not None:
            self._waiting.put_nowait(event)

    async def publish(self) -> None:
        """Write what was heard, for ever."""
        while True:
            event = await self._waiting.get()
            try:
                await self._client.create(event)
            except httpx2.HTTPError as error:
                log.warning("event %s not published: %s", event.reason, error)
            finally:
                self._waiting.task_done()

    async def written(self) -> None:
        """Return when everything heard is written or dropped."""
        await self._waiting.join()


@asynccontextmanager
async def opened(client: AsyncClient, service: str, uid: str) -> AsyncIterator[Events]:
    """Events that are being written while the block lasts, and some seconds longer for the last ones."""
    events = Events(client, service, uid)
    writing = asyncio.create_task(events.publish())
    try:
        yield events
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await events.written()
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
