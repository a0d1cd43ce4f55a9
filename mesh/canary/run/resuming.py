"""How does a run go on that was paused, or whose process was killed? From where its journal ends."""

from __future__ import annotations

from mesh.canary.journal.entry import Kind
from mesh.canary.journal.keeping import Kept
from mesh.canary.journal.state import Phase, State
from mesh.canary.problems import NoRun
from mesh.canary.run.holding import carried_out, held
from mesh.canary.run.place import Place
from mesh.canary.run.recorder import Recorder


async def resume(place: Place, *, steal: str = "", unattended: bool = False) -> State:
    """Go on with the service's run until it is paused or has ended; of one that has ended, how.

    Raises Held, NoRun, Refused, and Lost when somebody takes the run over.
    """
    async with held(place, place.holder(await _run(place)), steal) as robbed:
        kept = await place.journals.read()
        if kept is None:
            return (await last(place)).state
        recorder = Recorder(place, kept)
        if kept.state.phase is not Phase.ENDED:
            if steal:
                await recorder.write(Kind.STOLEN, {"from": robbed, "reason": steal})
            await recorder.write(Kind.RESUMED, {"unattended": unattended})
        return await carried_out(place, recorder)


async def last(place: Place) -> Kept:
    """The journal of the run there is, or of the one that has ended last. Raises NoRun."""
    kept = await place.journals.read()
    if kept is None:
        runs = await place.journals.runs()
        kept = await place.journals.read(runs[-1]) if runs else None
    if kept is None:
        raise NoRun(f"there is no canary of {place.service}: begin one with `argosy canary start {place.service}`")
    return kept


async def _run(place: Place) -> str:
    return (await last(place)).state.run
