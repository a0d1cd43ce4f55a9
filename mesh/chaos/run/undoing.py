"""How is undone what was written down? The latest first, again until it works, and then looked at.

So do the runner, the watchdog of a runner that has died, and `argosy chaos clean`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mesh.chaos.faults.fault import Fault, Proof
from mesh.chaos.faults.known import made
from mesh.chaos.run.proving import proof_of
from mesh.chaos.site import Site
from mesh.chaos.undo import Planned

PATIENCE = 150.0  # seconds: a deployment may have to be rolled out, and the API server to come back first
AGAIN_AFTER = 1.0


@dataclass(frozen=True)
class Undone:
    """What became of undoing one change. `gone`: what an independent look said; None where there is nothing to see."""

    planned: Planned
    problem: str = ""
    gone: Proof | None = None

    @property
    def leftover(self) -> str:
        """What is left of it, for people; empty when nothing is."""
        kind = self.planned.change.fault
        if self.problem:
            return f"{kind} is not undone: {self.problem}"
        return f"{self.gone.detail}" if self.gone and self.gone.present else ""


async def undo(site: Site, planned: Sequence[Planned], mark: Callable[[Planned], None]) -> tuple[Undone, ...]:
    """Undo all of them; `mark` is told of each that is undone. What cannot be is said, and the others still are."""
    done: list[Undone] = []
    for one in sorted(planned, key=lambda each: each.number, reverse=True):
        site.say(f"undoing {one.change.fault}")
        undone = await _undo(site, one)
        if not undone.leftover:
            mark(one)
        done.append(undone)
    return tuple(done)


async def _undo(site: Site, planned: Planned) -> Undone:
    fault = made(planned.change)
    until = time.monotonic() + PATIENCE
    while problem := await _try(fault, site, planned, until):
        if time.monotonic() > until:
            return Undone(planned, problem)
        await asyncio.sleep(AGAIN_AFTER)
    gone = await proof_of(fault, site, planned.memory, present=False) if fault.lasting else None
    return Undone(planned, gone=gone)


async def _try(fault: Fault, site: Site, planned: Planned, until: float) -> str:
    """Why it could not be removed; empty when it was. Whatever it is, the others still have to be removed."""
    try:
        async with asyncio.timeout(max(AGAIN_AFTER, until - time.monotonic())):
            await fault.remove(site, planned.memory)
    except Exception as error:  # noqa: BLE001
        return str(error) or type(error).__name__
    return ""
