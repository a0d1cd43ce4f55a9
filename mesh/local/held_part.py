"""How is a part of the control plane kept away? It is killed, and its successor is frozen before it listens.

Whoever called it has its connections broken, and new ones are refused: as if its machine were gone. The supervisor
starts again what dies, but a frozen process lives. Nobody has to remember anything: what is frozen was held.
"""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from mesh.local.part import Part, load_plan
from mesh.local.probing import answers, context_of
from mesh.local.problems import LocalClusterError
from mesh.local.process_identity import ProcessId, state_of
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import read_supervisor_state

FROZEN = "T"
LOOK_EVERY = 0.005
PATIENCE = 30.0


class PartNotHeld(LocalClusterError):
    """A part could not be taken away, or did not come back."""


async def hold(folder: StateFolder, name: str) -> None:
    """Take the part away until `give_back`; nothing happens when it is held. Raises PartNotHeld."""
    killed = _process(folder, name)
    if killed is None:
        raise PartNotHeld(f"the part {name} of the local cluster does not run")
    if state_of(killed.pid) == FROZEN:
        return
    killed.send(signal.SIGKILL)
    try:
        async with asyncio.timeout(PATIENCE):
            while not _frozen(_process(folder, name), killed):
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        raise PartNotHeld(f"{name} was killed, and has no successor after {PATIENCE:.0f} s") from None


async def give_back(folder: StateFolder, name: str) -> None:
    """Let the part go on, and return when it answers. Raises PartNotHeld."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await works(folder, name):
                process = _process(folder, name)
                if process and state_of(process.pid) == FROZEN:
                    process.send(signal.SIGCONT)
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        raise PartNotHeld(f"{name} does not answer {PATIENCE:.0f} s after it was given back") from None


async def works(folder: StateFolder, name: str) -> bool:
    """Whether the part answers what the supervisor asks it."""
    probe = _part(folder.plan, name).probe
    return probe is not None and await answers(probe, context_of(probe))


def _frozen(process: ProcessId | None, killed: ProcessId) -> bool:
    """Whether the successor is; the signal takes its time, and sent twice it does nothing more."""
    if process is None or process == killed:
        return False
    process.send(signal.SIGSTOP)
    return state_of(process.pid) == FROZEN


def _process(folder: StateFolder, name: str) -> ProcessId | None:
    supervisor = read_supervisor_state(folder.supervisor_state)
    part = supervisor.parts.get(name) if supervisor else None
    return part.process if part and part.process and part.process.alive() else None


def _part(plan: Path, name: str) -> Part:
    try:
        return next(part for part in load_plan(plan).parts if part.name == name)
    except (FileNotFoundError, StopIteration):
        raise PartNotHeld(f"the local cluster has no part {name}, or does not run") from None
