"""How does a crowd come and go? As a process on this machine, which ends with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from mesh.chaos.problems import NotInjected
from mesh.local.node import launcher
from mesh.local.process_identity import ProcessId, identify
from mesh.running_shop import CHECKOUT

MODULE = "mesh.chaos.faults.load.crowd"
STARTS_WITHIN = 20.0


async def start(gateway: str, crowd: str, arguments: Sequence[str]) -> str:
    """Start it; what it says when all are there. Raises NotInjected."""
    process = _begun([f"--gateway={gateway}", f"--run={crowd}", *arguments])
    with cast("IO[bytes]", process.stdout) as output:  # it was asked for
        try:
            said = await asyncio.wait_for(asyncio.to_thread(output.readline), STARTS_WITHIN)
        except TimeoutError:
            said = b""
            end(crowd)
    if not said:
        raise NotInjected(f"the crowd went home at once, with exit code {process.wait()}")
    process.returncode = 0  # `end` waits for it, whoever calls that; Popen would warn about nobody doing so
    return said.decode().strip()


def _begun(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Its process; not asyncio's, for it outlives the event loop of who only injects."""
    return subprocess.Popen(
        [sys.executable, launcher.__file__, "-", sys.executable, "-m", MODULE, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=CHECKOUT,
        start_new_session=True,  # Ctrl-C is not for it: it is removed like every fault
    )


def members(crowd: str) -> list[ProcessId]:
    """The processes of this crowd that run, whoever started them."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for pid in pids if _is_of(pid, crowd) and (process := identify(pid))]


def _is_of(pid: int, crowd: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # it has just ended, or is not ours to see
        return False
    return MODULE in words and f"--run={crowd}" in words


def end(crowd: str) -> None:
    """End it, and return when it has ended; nothing happens when there is none."""
    for process in members(crowd):
        process.send(signal.SIGKILL)  # it holds nothing that could be lost but its customers' patience
        process.wait()
        with suppress(ChildProcessError):  # it is not ours, or already taken note of
            os.waitpid(process.pid, os.WNOHANG)
