"""How is a change made? Planned, written down where a watchdog finds it, made, and proved."""

from __future__ import annotations

from mesh.chaos.experiment import Change
from mesh.chaos.faults.fault import Fault
from mesh.chaos.faults.known import made
from mesh.chaos.problems import NotInjected
from mesh.chaos.run.proving import look, proof_of
from mesh.chaos.site import Site
from mesh.chaos.undo import Planned, UndoLog


async def check_possible(site: Site, change: Change) -> str:
    """Why this cannot be done here; empty when it can. Raises BadExperiment."""
    return await made(change).impossible(site)


async def inject(site: Site, log: UndoLog, change: Change) -> tuple[Fault, Planned]:
    """Make the change; what undoes it is written down before. Raises NotInjected, BadExperiment."""
    fault = made(change)
    memory = await fault.plan(site)
    planned = await log.write_ahead(change, memory)
    site.say(f"making {change.fault}")
    await fault.inject(site, planned.memory)
    return fault, planned


async def make(site: Site, log: UndoLog, change: Change) -> None:
    """Make a change that has to be there before anything else, unless it is already. Raises NotInjected."""
    fault = made(change)
    if (await look(fault, site, await fault.plan(site))).present:
        return  # the shop is like that anyway: there is nothing to undo
    fault, planned = await inject(site, log, change)
    proof = await proof_of(fault, site, planned.memory, present=True)
    if proof.present is False:
        raise NotInjected(f"it did not become true: {proof.detail}")
