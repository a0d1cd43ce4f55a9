"""How does a run look at the cluster? At the route each time; at pods and at the watchdog as often as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from mesh.canary.act.route import Route
from mesh.canary.run.health import health
from mesh.canary.run.place import Place
from mesh.canary.run.sight import Answer, Health, Sight

HEALTH_EVERY = 2.0
GUARD_EVERY = 30.0


class Eyes:
    """One run's eyes; `versions`: the baseline's and the canary's; `guarded`: as it is known already."""

    def __init__(self, place: Place, versions: tuple[str, str], *, guarded: bool | None = None) -> None:
        self._place, self._versions = place, versions
        self._health, self._health_at = Health(ready=0), float("-inf")
        self._guarding: asyncio.Task[str | None] | None = None
        self._guarded = guarded
        self._guard_at = float("-inf") if guarded is None else place.clock()

    async def look(self, answers: Mapping[str, Answer]) -> tuple[Sight, Route]:
        """The cluster now, and the route as a write must still find it; `answers`: what the gates have said."""
        now, route = self._place.clock(), await self._place.routing.look()
        if now - self._health_at >= HEALTH_EVERY:
            self._health = await health(self._place.client, route.service, self._versions, self._place.namespace)
            self._health_at = now
        header = route.header_rule == self._versions[1]
        return Sight(now, route.weights, header, self._health, self._watched(now), answers), route

    def _watched(self, now: float) -> bool | None:
        """Whether a watchdog is on duty, asked beside the run since that takes seconds; None: not known yet."""
        if self._guarding and self._guarding.done():
            asked, self._guarding = self._guarding, None
            self._guarded = asked.result() is not None
        if self._guarding is None and now - self._guard_at >= GUARD_EVERY:
            self._guarding, self._guard_at = asyncio.create_task(self._place.guard()), now
        return self._guarded

    def close(self) -> None:
        """Ask nobody any more."""
        if self._guarding:
            self._guarding.cancel()
