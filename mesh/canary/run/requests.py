"""How is a run paused, promoted or rolled back by hand? By who has it in hand; when nobody has, here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from mesh.canary.act.route import ALL, spelled
from mesh.canary.journal.entry import Kind
from mesh.canary.journal.keeping import Kept, Request
from mesh.canary.journal.state import Phase, State, Wish
from mesh.canary.problems import CanaryError, Held, NoRun, Refused
from mesh.canary.run.holding import carried_out, held, new_run
from mesh.canary.run.place import Place
from mesh.canary.run.recorder import Recorder
from mesh.canary.run.resuming import last

PATIENCE = 60.0
"""Seconds in which a runner that is alive has taken a request and carried it out."""
_LOOK_EVERY = 0.3


async def obey(place: Place, wish: Wish, reason: str) -> State:
    """Pause, approve, promote or roll back the service's run; returns when that is done.

    Raises NoRun when there is none, Refused when it makes no sense, CanaryError when its runner does not answer.
    """
    kept = await place.journals.read()
    if kept is None or kept.state.phase is Phase.ENDED:
        return await _afterwards(place, wish, reason)
    if wish is Wish.APPROVE and not kept.state.progress.waiting:
        raise Refused(f"no gate of the canary of {place.service} waits for anybody")
    if wish is Wish.PAUSE and kept.state.phase is Phase.PAUSED:
        return kept.state
    try:
        async with held(place, place.holder(kept.state.run)):
            return await _done_here(place, wish, reason)
    except Held as other:
        return await _asked(place, kept.state, wish, reason, other.holder)


async def rollback_now(place: Place, reason: str) -> State:
    """All traffic to the baseline at once, whoever has the run in hand; needs the API server alone.

    Then it is journaled, by the run's runner or here. Raises NoRun when nothing says which version is the baseline.
    """
    state, reason = (await last(place)).state, f"{reason} (at once)".strip()
    saying_so = asyncio.create_task(_ask(place, Wish.ROLL_BACK, reason))  # else its runner would take it for drift
    try:
        await place.routing.set_back(state.baseline)
    finally:
        await asyncio.gather(saying_so, return_exceptions=True)
    return await obey(place, Wish.ROLL_BACK, reason)


async def _ask(place: Place, wish: Wish, reason: str) -> None:
    """Leave a request for who has the run in hand; for nobody, when it has ended meanwhile."""
    with suppress(NoRun):
        await place.journals.ask(Request(wish, place.by, reason, place.clock()))


async def _done_here(place: Place, wish: Wish, reason: str) -> State:
    """Nobody has the run in hand, so we take it."""
    kept = await place.journals.read()
    if kept is None or kept.state.phase is Phase.ENDED:
        return (await last(place)).state  # it ended while we took the Lease
    if wish is Wish.APPROVE:
        raise Refused(f"nobody runs the canary of {place.service}: `argosy canary resume {place.service}` asks again")
    recorder = Recorder(place, kept)
    if kept.state.phase is Phase.PAUSED:
        await recorder.write(Kind.RESUMED, {"unattended": False})
    await recorder.write(Kind.REQUESTED, {"what": wish, "reason": reason}, answers=True)
    return await carried_out(place, recorder)


async def _asked(place: Place, state: State, wish: Wish, reason: str, other: str) -> State:
    """Leave a request for who has the run in hand, and wait until it is carried out."""
    await _ask(place, wish, reason)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                kept = await place.journals.find(state.run)
                if _carried_out(kept, wish):
                    return kept.state
                await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        raise CanaryError(
            f"{other} has not answered within {PATIENCE:.0f} s; its lock expires when it is dead. At once and whoever"
            f" holds it: `argosy canary rollback {place.service} --now`"
        ) from None


def _carried_out(kept: Kept, wish: Wish) -> bool:
    match wish:
        case Wish.PAUSE:
            return kept.state.phase is not Phase.RUNNING
        case Wish.APPROVE:
            return kept.request is None
        case _:
            return kept.state.phase is Phase.ENDED


async def _afterwards(place: Place, wish: Wish, reason: str) -> State:
    """After a run's end only one thing can be asked: to go back to what it has replaced."""
    state = (await last(place)).state
    if wish is not Wish.ROLL_BACK:
        raise NoRun(f"there is no canary of {place.service} to {wish}: its last run has {state.outcome}")
    weights = (await place.routing.look()).weights
    is_back = weights.get(state.baseline) == ALL
    if is_back and state.outcome == "rolled-back":
        return state
    if is_back or (weights.get(state.canary) == ALL and state.outcome == "promoted"):
        return await _reverted(place, state, weights, reason)
    raise Refused(
        f"since the last run of {place.service}, which has {state.outcome}, somebody else has set {spelled(weights)};"
        f" to {state.baseline} all the same: `argosy canary rollback {place.service} --now`"
    )


async def _reverted(place: Place, before: State, weights: Mapping[str, int], reason: str) -> State:
    """A run of its own that only goes back, so that it leaves the same trace."""
    run = new_run()
    async with held(place, place.holder(run)):
        names = ("service", "baseline", "canary", "plan", "sticky")
        facts = {name: getattr(before, name) for name in names} | {"weights": weights, "images": {}}
        facts |= {"command": "", "revision": "", "watchdog": None, "unattended": False}
        recorder = await Recorder.begun(place, run, facts)
        await recorder.write(Kind.REQUESTED, {"what": Wish.ROLL_BACK, "reason": reason})
        return await carried_out(place, recorder)
