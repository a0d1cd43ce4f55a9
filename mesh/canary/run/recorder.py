"""What has this process written into the journal, and how does the run stand after it?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from mesh.canary.journal.disk import DiskCopy
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.keeping import Kept
from mesh.canary.measure.source import Reading
from mesh.canary.run.place import Place

log = logging.getLogger(__name__)


class Recorder:
    """One run's journal in the hand of one process: the cluster's first, then the disk's, then whoever listens."""

    def __init__(self, place: Place, kept: Kept) -> None:
        self._place, self._kept = place, kept
        self.state = kept.state
        self._disk = DiskCopy(place.folder, self.state.run) if place.folder else None
        self._told = len(kept.entries)
        self._copy()

    @classmethod
    async def begun(cls, place: Place, run: str, facts: Mapping[str, Any]) -> Recorder:
        """The journal of a new run. Raises Refused when the service's last one has not ended."""
        at = place.clock()
        first = Entry.after(None, at=at, run=run, kind=Kind.STARTED, by=place.by, facts=facts)
        recorder = cls(place, await place.journals.begin(first))
        for listener in place.listeners:
            listener.heard(first)
        return recorder

    @property
    def kept(self) -> Kept:
        """The journal as it is in the cluster."""
        return self._kept

    async def write(self, kind: Kind, facts: Mapping[str, Any], *, by: str = "", answers: bool = False) -> None:
        """Add an entry. Raises Overtaken; `answers`: it takes the request that was waiting."""
        last, at = self._kept.entries[-1], self._place.clock()
        entry = Entry.after(last, at=at, run=last.run, kind=kind, by=by or self._place.by, facts=facts)
        self._take_in(await self._place.journals.append(self._kept, entry, answers=answers))

    async def reread(self) -> None:
        """Look what of our last words was kept: an API server that went away may have taken the answer along."""
        self._take_in(await self._place.journals.find(self.state.run))

    def _take_in(self, kept: Kept) -> None:
        self._kept = kept
        self._copy()
        for entry in kept.entries[self._told :]:
            self.state = self.state.after(entry)
            for listener in self._place.listeners:
                listener.heard(entry)
        self._told = len(kept.entries)

    def keep_raw(self, reading: Reading) -> str:
        """Keep what a reading brought, on the disk alone; the hash that names it."""
        self._on_disk(lambda disk: disk.keep_raw(reading.raw_sha256, reading.raw))
        return reading.raw_sha256

    def _copy(self) -> None:
        self._on_disk(lambda disk: disk.catch_up(self._kept.entries))

    def _on_disk(self, write: Callable[[DiskCopy], None]) -> None:
        """A full disk here is no reason to end a run there."""
        try:
            if self._disk:
                write(self._disk)
        except OSError as error:
            log.warning("nothing more is kept on this disk: %s", error)
            self._disk = None
