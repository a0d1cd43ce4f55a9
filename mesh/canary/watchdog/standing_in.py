"""How is done what a dead runner cannot do any more? As an operator does it by hand: under the Lease, in the journal.

A run that has ended stays where its journal is: the next one puts it among those of the past, with rights to delete
that nobody needs who only takes traffic back.
"""

from __future__ import annotations

from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import Wish
from mesh.canary.run.holding import held
from mesh.canary.run.loop import Loop
from mesh.canary.run.place import Place
from mesh.canary.run.recorder import Recorder
from mesh.canary.watchdog.duty import Decision, Duty, decide

_WISHES = {Duty.ROLL_BACK: Wish.ROLL_BACK, Duty.HOLD: Wish.PAUSE}
_NO_RUN = Decision(Duty.NOTHING, "no run has begun")


async def duty(place: Place) -> Decision:
    """What would be to do at this place if the runner were dead. Changes nothing."""
    kept = await place.journals.read()
    return decide(kept.state, (await place.routing.look()).weights) if kept else _NO_RUN


async def stand_in(place: Place) -> Decision:
    """Do it; nobody holds the Lease afterwards. Raises Held when the runner is back, Overtaken when it writes again."""
    before, kept = await place.lease.look(), await place.journals.read()
    if kept is None:
        return _NO_RUN
    async with held(place, place.holder(kept.state.run)):
        decision = await duty(place)  # until the Lease was ours the runner may have ended the run itself
        kept = await place.journals.read()
        if kept is None or decision.duty is Duty.NOTHING:
            return decision
        recorder = Recorder(place, kept)
        await recorder.write(Kind.STOLEN, {"from": before.holder if before else "", "reason": decision.reason})
        if wish := _WISHES.get(decision.duty):
            await recorder.write(Kind.REQUESTED, {"what": wish, "reason": decision.reason})
        await Loop(place, recorder).run()
        return decision
