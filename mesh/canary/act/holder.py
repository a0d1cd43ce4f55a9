"""Who holds a lock: how a process signs, and is the one that signed certainly gone?"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from mesh.local.process_identity import ProcessId, this_process

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def operator() -> str:
    """Who does what this process does: `anna@laptop pid 4711`."""
    return f"{getpass.getuser()}@{socket.gethostname()} pid {os.getpid()}"


def holder(run: str) -> str:
    """How this process signs a Lease: `anna@laptop pid 4711 run 20261121-130500-9f3c`."""
    return f"{operator()} run {run}"


def mark() -> str:
    """What tells the process from every other, anywhere and ever; empty where the system does not say."""
    try:
        process = this_process()
        return f"{_here()}/{process.pid}/{process.started}"
    except OSError:
        return ""


def gone(mark: str) -> bool:
    """Whether the process of that mark lived on this machine and has ended; False when that cannot be known."""
    try:
        where, pid, started = mark.rsplit("/", 2)
        return where == _here() and not ProcessId(int(pid), int(started)).alive()
    except (OSError, ValueError):
        return False


def _here() -> str:
    """The world in which a pid means one process: this boot of this machine, and this pid namespace."""
    return f"{_BOOT.read_text(encoding='ascii').strip()}/{_PID_NAMESPACE.readlink()}"
