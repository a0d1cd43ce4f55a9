"""Where is a run's journal kept? In the cluster, in a ConfigMap that every writer changes only as it last saw it.

canary-<service>            the service's run at present: one key per entry, e000001 and so on
canary-<service>-<run>      a run that has ended; the last ten are kept
canary-<service>-<run>-1    the oldest entries of a long run, moved there so that each append stays small
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from lightkube import ApiError, AsyncClient
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap
from lightkube.types import PatchType

from mesh.canary.journal.entry import Entry, verified
from mesh.canary.journal.state import Phase, State, Wish, fold
from mesh.canary.problems import NoRun, Refused
from mesh.chosen_cluster import NAMESPACE

LABEL = "argosy/canary"
RUN = "argosy/run"
PARTS = "argosy/parts"
REQUEST = "argosy/request"
KEPT_RUNS = 10
PART_BYTES = 128 * 1024
_CONFLICT, _MISSING = 409, 404

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Request:
    """What another operator asks of who runs the canary."""

    what: Wish
    by: str
    reason: str
    at: float

    def line(self) -> str:
        """It as the annotation's text."""
        return json.dumps({"what": self.what, "by": self.by, "reason": self.reason, "at": self.at})

    @classmethod
    def parse(cls, text: str) -> Request | None:
        """What `line` wrote; None for what somebody else has: a run does not end over an annotation."""
        try:
            fields = json.loads(text)
            return cls(Wish(fields["what"]), str(fields["by"]), str(fields["reason"]), float(fields["at"]))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True)
class Kept:
    """A journal as it was read: what the next append must find there."""

    name: str
    entries: tuple[Entry, ...]
    parts: int
    request: Request | None
    resource_version: str
    size: int

    @property
    def state(self) -> State:
        """What the entries come to."""
        return fold(self.entries)


class Overtaken(Refused):
    """Somebody else has written to the journal: this process no longer has the run in hand."""

    def __init__(self, service: str, entry: Entry) -> None:
        super().__init__(f"the canary of {service} is in other hands: {entry.by} has journaled `{entry.kind}`")


class Journals:
    """The journals of one service in the cluster."""

    def __init__(self, client: AsyncClient, service: str, *, namespace: str = NAMESPACE) -> None:
        self.client, self.service, self.namespace = client, service, namespace
        self.name = f"canary-{service}"

    async def read(self, run: str = "") -> Kept | None:
        """The present run's journal, or that of a run that has ended; None when there is none. Raises Tampered."""
        found = await self._get(f"{self.name}-{run}" if run else self.name)
        return await self._kept(found) if found else None

    async def find(self, run: str) -> Kept:
        """That run's journal, wherever it is kept by now. Raises NoRun."""
        kept = await self.read()
        if kept is None or kept.state.run != run:
            kept = await self.read(run)
        if kept is None:
            raise NoRun(f"the journal of run {run} of {self.service} is gone: somebody deleted it")
        return kept

    async def runs(self) -> list[str]:
        """The runs whose journals are kept, the latest last."""
        listed = self.client.list(ConfigMap, namespace=self.namespace, labels={LABEL: self.service})
        return sorted({_run_of(one) async for one in listed})

    async def begin(self, first: Entry) -> Kept:
        """Keep a new run's first entry. Raises Refused when the service's last run has not ended."""
        if before := await self.vacant():
            await self.archive(before)
        made = ConfigMap(metadata=self._metadata(self.name, first.run), data={_key(first): first.line()})
        return await self._kept(await self.client.create(made))

    async def vacant(self) -> Kept | None:
        """The journal of a run that has ended and is not archived. Raises Refused while there is one that has not."""
        before = await self.read()
        if before and before.state.phase is not Phase.ENDED:
            raise Refused(
                f"run {before.state.run} of {self.service} is {before.state.phase}:"
                f" `argosy canary resume {self.service}` goes on, `argosy canary rollback {self.service}` ends it"
            )
        return before

    async def request(self) -> Request | None:
        """What is asked of who runs the canary, at this moment."""
        found = await self._get(self.name)
        return _request_of(found) if found else None

    async def append(self, kept: Kept, entry: Entry, *, answers: bool = False) -> Kept:
        """Keep `entry` after those read; `answers`: the request that was waiting is taken with it.

        Raises Overtaken when somebody else has appended meanwhile.
        """
        annotations = {REQUEST: None} if answers else {}
        patch = _patch(kept.resource_version, {_key(entry): entry.line()}, annotations)
        try:
            changed = await self._change(kept.name, patch)
        except ApiError as error:
            if error.status.code not in {_CONFLICT, _MISSING}:
                raise
            return await self._append_again(entry, answers=answers)
        grown = replace(
            kept,
            entries=(*kept.entries, entry),
            request=_request_of(changed),
            resource_version=_version(changed),
            size=kept.size + len(entry.line()),
        )
        return grown if grown.size < PART_BYTES else await self._move_to_a_part(grown)

    async def _append_again(self, entry: Entry, *, answers: bool) -> Kept:
        """The object has changed since: by a request, by the append whose answer was lost, or by somebody else."""
        now = await self.read()
        if now is None:
            raise NoRun(f"the journal of {self.service} is gone: somebody deleted ConfigMap {self.name}") from None
        last = now.entries[-1]
        if last.hash == entry.hash:
            return now
        if last.hash != entry.prev:
            raise Overtaken(self.service, last)
        return await self.append(now, entry, answers=answers)

    async def ask(self, request: Request) -> None:
        """Leave a request for whoever runs the canary. Raises NoRun."""
        try:
            await self._change(self.name, {"metadata": {"annotations": {REQUEST: request.line()}}})
        except ApiError as error:
            if error.status.code == _MISSING:
                raise NoRun(f"there is no canary of {self.service}") from error
            raise

    async def archive(self, kept: Kept) -> None:
        """Give the journal of a run that has ended its own name, and forget the oldest."""
        run = kept.entries[-1].run
        here = await self.client.get(ConfigMap, kept.name, namespace=self.namespace)
        metadata = self._metadata(f"{self.name}-{run}", run, kept.parts)
        await self._write(ConfigMap(metadata=metadata, data=here.data))
        await self._delete(kept.name)
        for old in (await self.runs())[:-KEPT_RUNS]:
            await self._forget(old)

    async def _forget(self, run: str) -> None:
        listed = self.client.list(ConfigMap, namespace=self.namespace, labels={LABEL: self.service})
        for name in [str(one.metadata and one.metadata.name) async for one in listed if _run_of(one) == run]:
            await self._delete(name)

    async def _move_to_a_part(self, kept: Kept) -> Kept:
        """Copy what the journal holds to a part, then take it away; killed in between, an entry is there twice."""
        here = await self.client.get(ConfigMap, kept.name, namespace=self.namespace)
        run, number = kept.entries[-1].run, kept.parts + 1
        await self._write(ConfigMap(metadata=self._metadata(f"{self.name}-{run}-{number}", run), data=here.data))
        gone = dict.fromkeys(here.data or {})
        changed = await self._change(kept.name, _patch(kept.resource_version, gone, {PARTS: str(number)}))
        return replace(kept, parts=number, resource_version=_version(changed), size=0)

    async def _kept(self, found: ConfigMap) -> Kept:
        run, parts = _run_of(found), int(_annotations(found).get(PARTS) or 0)
        lines = dict(found.data or {})
        for number in range(1, parts + 1):
            part = await self._get(f"{self.name}-{run}-{number}")
            lines.update(part.data or {} if part else {})
        entries = verified(Entry.parse(line) for _, line in sorted(lines.items()))
        size = sum(map(len, (found.data or {}).values()))
        name = str(found.metadata and found.metadata.name)
        return Kept(name, entries, parts, _request_of(found), _version(found), size)

    async def _get(self, name: str) -> ConfigMap | None:
        return await _unless(_MISSING, self.client.get(ConfigMap, name, namespace=self.namespace))

    async def _delete(self, name: str) -> None:
        await _unless(_MISSING, self.client.delete(ConfigMap, name, namespace=self.namespace))

    async def _write(self, made: ConfigMap) -> None:
        """Create it, or make what is there like it."""
        if await _unless(_CONFLICT, self.client.create(made)) is None:
            await self.client.replace(made)

    async def _change(self, name: str, patch: Mapping[str, Any]) -> ConfigMap:
        return await self.client.patch(
            ConfigMap, name, dict(patch), namespace=self.namespace, patch_type=PatchType.MERGE
        )

    def _metadata(self, name: str, run: str, parts: int = 0) -> ObjectMeta:
        annotations = {RUN: run, PARTS: str(parts)}
        return ObjectMeta(name=name, namespace=self.namespace, labels={LABEL: self.service}, annotations=annotations)


async def _unless(code: int, call: Awaitable[Answer]) -> Answer | None:
    """What the API server answers; None when it answers with this code."""
    try:
        return await call
    except ApiError as error:
        if error.status.code != code:
            raise
        return None


def _patch(resource_version: str, data: Mapping[str, str | None], annotations: Mapping[str, str | None]) -> Any:
    return {"metadata": {"resourceVersion": resource_version, "annotations": annotations}, "data": data}


def _key(entry: Entry) -> str:
    return f"e{entry.n:06d}"


def _annotations(found: ConfigMap) -> Mapping[str, str]:
    return (found.metadata and found.metadata.annotations) or {}


def _run_of(found: ConfigMap) -> str:
    return _annotations(found).get(RUN, "")


def _version(found: ConfigMap) -> str:
    return str(found.metadata and found.metadata.resourceVersion)


def _request_of(found: ConfigMap) -> Request | None:
    text = _annotations(found).get(REQUEST)
    return Request.parse(text) if text else None
