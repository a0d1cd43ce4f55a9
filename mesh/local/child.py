"""How is a program started so that it cannot outlive us? In its own session, killed by the kernel when we die.

One that is there to outlive us can be started, too.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Child:
    """A started program. Waiting uses no thread: threads and code between fork and exec do not mix."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._ended = asyncio.Event()
        self._handle = os.pidfd_open(popen.pid)
        asyncio.get_running_loop().add_reader(self._handle, self._collect)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        self._popen.send_signal(number)

    async def wait(self) -> int:
        """Its exit status; minus the signal's number when a signal ended it."""
        await self._ended.wait()
        return self._popen.wait()

    def _collect(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self._popen.wait()
        self._ended.set()


def start_child(argv: Sequence[str], env: Mapping[str, str], cwd: str, log: Path, *, outlives: bool = False) -> Child:
    """Start `argv` with exactly `env`; its output is appended to `log`. Raises OSError when it cannot be started.

    It dies with this process unless it `outlives` it.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask to be told
            os._exit(1)

    with log.open("ab") as output:
        popen = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=None if outlives else die_with_parent,  # noqa: PLW1509  (this process has one thread)
        )
    return Child(popen)
