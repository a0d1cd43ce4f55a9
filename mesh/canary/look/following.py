"""What does somebody else's run write down? Its entries as they come, read from the cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.keeping import Journals, Kept
from mesh.canary.problems import NoRun

_EVERY = 1.0


async def latest(journals: Journals) -> Kept:
    """The service's run of now; when it has ended and was put away, its last one. Raises NoRun."""
    present = await journals.read()
    if present:
        return present
    runs = await journals.runs()
    last = await journals.read(runs[-1]) if runs else None
    if last is None:
        raise NoRun(f"there has been no canary of {journals.service}")
    return last


async def follow(journals: Journals, sleep: Callable[[float], Awaitable[None]]) -> AsyncIterator[Entry]:
    """Every entry of the latest run, and those that are added, until it is paused or has ended. Raises NoRun."""
    kept = await latest(journals)
    run, told = kept.entries[0].run, 0
    while True:
        for entry in kept.entries[told:]:
            yield entry
        told = len(kept.entries)
        if kept.entries[-1].kind in {Kind.PAUSED, Kind.ENDED}:
            return
        await sleep(_EVERY)
        kept = await _again(journals, run)


async def _again(journals: Journals, run: str) -> Kept:
    present = await journals.read()
    if present and present.entries[0].run == run:
        return present
    put_away = await journals.read(run)
    if put_away is None:
        raise NoRun(f"the journal of run {run} is gone: somebody deleted it")
    return put_away
