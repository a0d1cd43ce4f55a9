"""How is a move made that changes the route, or ends the run? Journaled before and after."""

from __future__ import annotations

import logging

from mesh.canary.act.route import Route, Sticky
from mesh.canary.act.routing import Routing
from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import Action, Intent
from mesh.canary.problems import Drifted
from mesh.canary.run.moves import End, Pause
from mesh.canary.run.recorder import Recorder

log = logging.getLogger(__name__)


class Hands:
    """One run's hands; whoever uses them holds the service's Lease."""

    def __init__(self, routing: Routing, recorder: Recorder) -> None:
        self._routing, self._recorder = routing, recorder

    async def write(self, intent: Intent, route: Route) -> None:
        """Journal the intent, write, journal what was applied.

        Killed in between, or with `route` not as it was looked at, the next look at the live route decides (moves.py).
        """
        facts = {"from": intent.before, "to": intent.after, "reason": intent.reason}
        await self._recorder.write(Kind.INTENT, _facts(intent, route) | facts)
        try:
            written = await self._change(route, intent)
        except Drifted as drift:
            log.warning("%s", drift)
            return
        await self.settle(intent, written, done=True)

    async def settle(self, intent: Intent, route: Route, *, done: bool) -> None:
        """Journal whether the write has happened, as the route shows it."""
        await self._recorder.write(Kind.APPLIED, _facts(intent, route) | {"weights": route.weights, "done": done})

    async def pause(self, pause: Pause) -> None:
        """Leave everything as it is."""
        await self._recorder.write(Kind.PAUSED, {"reason": pause.reason}, by=pause.by)

    async def end(self, end: End) -> None:
        """Journal the run's end."""
        facts = {"outcome": end.outcome, "reason": end.reason, "exit_code": end.exit_code}
        await self._recorder.write(Kind.ENDED, facts)

    async def _change(self, route: Route, intent: Intent) -> Route:
        state = self._recorder.state
        match intent.action:
            case Action.HEADER:
                sticky = Sticky.parse(state.sticky) if state.sticky else None
                return await self._routing.add_header_rule(route, state.canary, sticky)
            case Action.NO_HEADER:
                return await self._routing.remove_header_rule(route)
            case Action.SHIFT | Action.PROMOTE | Action.ROLL_BACK:
                return await self._routing.set_weights(route, intent.after)


def _facts(intent: Intent, route: Route) -> dict[str, object]:
    return {"step": intent.step, "action": intent.action, "resource_version": route.resource_version}
