"""Which processes belong to a cluster? All that carry its mark in their environment, whoever their parent is now.

Every part is started with two variables, and whatever it starts inherits them: pods, sidecars, their Envoys. So nothing
can be orphaned beyond finding, whichever of the programs in between was killed, and no record has to be right.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mesh.local.process_identity import ProcessId, identify

CLUSTER_MARK = "ARGOSY_CLUSTER"
PART_MARK = "ARGOSY_PART"
SUPERVISOR, STANDBY = "supervisor", "standby"


def marks(state: Path, part: str) -> dict[str, str]:
    """The variables that mark `part` of the cluster in `state`, and its descendants."""
    return {CLUSTER_MARK: str(state), PART_MARK: part}


def belonging_to(state: Path, part: str | None = None) -> list[ProcessId]:
    """The living processes of the cluster in `state` (of one part of it), without the asking one."""
    wanted = {f"{CLUSTER_MARK}={state}".encode()}
    if part is not None:
        wanted.add(f"{PART_MARK}={part}".encode())
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    found = (identify(pid) for pid in pids if pid != os.getpid() and wanted <= _environment(pid))
    return [process for process in found if process]


def kill_belongings(state: Path, part: str | None = None) -> list[ProcessId]:
    """Kill what belongs to the cluster (to one part of it) now; what was there. Repeat until it returns nothing."""
    found = belonging_to(state, part)
    for process in found:
        process.send(signal.SIGKILL)
    return found


def _environment(pid: int) -> set[bytes]:
    try:
        return set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return set()  # gone, or somebody else's
