"""What runs? The supervisor's state file, read back; only what is still alive counts.

When the supervisor was killed, its standby is about to become it: the process is known, its parts have yet to start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mesh.local.belongings import STANDBY
from mesh.local.process_identity import ProcessId


@dataclass(frozen=True)
class PartState:
    """One part of the control plane, as its supervisor last saw it."""

    name: str
    phase: str
    process: ProcessId | None
    restarts: int
    since: float
    """When the phase began, in seconds of the epoch."""
    log: Path

    @property
    def works(self) -> bool:
        """Whether it is ready, or done when it is a task."""
        return self.phase in {"ready", "done"}


@dataclass(frozen=True)
class SupervisorState:
    """A living supervisor, or the standby that becomes it, and its parts."""

    process: ProcessId
    stopping: bool
    parts: Mapping[str, PartState]


def read_supervisor_state(path: Path) -> SupervisorState | None:
    """The state in `path`, or None when neither the supervisor that wrote it nor its standby is alive."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    process = ProcessId(given["pid"], given["started"])
    parts = {name: _part(name, part) for name, part in given["parts"].items()}
    if process.alive():
        return SupervisorState(process, given["stopping"], parts)
    standby = parts[STANDBY].process if STANDBY in parts else None
    if standby and standby.alive():
        lost = {name: replace(part, phase="waiting", process=None, restarts=0) for name, part in parts.items()}
        return SupervisorState(standby, stopping=False, parts=lost)
    return None


def _part(name: str, given: Mapping[str, object]) -> PartState:
    pid, started = given["pid"], given["started"]
    process = ProcessId(pid, started) if isinstance(pid, int) and isinstance(started, int) else None
    phase, restarts, since, log = given["phase"], given["restarts"], given["since"], given["log"]
    return PartState(name, str(phase), process, int(str(restarts)), float(str(since)), Path(str(log)))
