"""Who has a run in hand? One process, from taking the service's Lease to giving it back."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from mesh.canary.journal.state import Phase, State
from mesh.canary.run.loop import Loop
from mesh.canary.run.place import Place
from mesh.canary.run.recorder import Recorder


@asynccontextmanager
async def held(place: Place, holder: str, steal: str = "") -> AsyncIterator[str]:
    """The Lease, ours while the block lasts; yields who it was stolen from. Raises Held.

    `steal`: take it from whoever holds it, for this reason.
    """
    robbed = ""
    if steal:
        robbed = await place.lease.steal(holder, steal)
    else:
        await place.lease.acquire(holder)
    try:
        yield robbed
    finally:
        await place.lease.release()


async def carried_out(place: Place, recorder: Recorder, *, guarded: bool | None = None) -> State:
    """Go on with the run; one that has ended is put among those of the past."""
    state = await Loop(place, recorder, guarded=guarded).run()
    if state.phase is Phase.ENDED:
        await place.journals.archive(recorder.kept)
    return state


def new_run() -> str:
    """A name for a run; in the order of their beginnings."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
