"""One child process and everything it starts: spawned, watched, signalled, ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import BinaryIO

from mesh.local.node import launcher
from mesh.local.process_identity import identify

_LAUNCHER = Path(launcher.__file__)
_SIGNALLED = 128


class CannotStart(Exception):
    """The program could not be started at all."""


@dataclass(frozen=True)
class Exit:
    code: int
    """As a container runtime reports it: 128 + number for a process ended by a signal."""


class Process:
    """A running program in a process group of its own, which ends with the node.

    Signals go through a pidfd, so they never reach another process that was given the same number.
    """

    def __init__(self, popen: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._popen = popen
        self._pidfd = os.pidfd_open(popen.pid)
        self._loop = loop
        self._exit: asyncio.Future[Exit] = loop.create_future()
        self.pid = popen.pid
        identity = identify(popen.pid)
        self.start_time = identity.started if identity else 0
        loop.add_reader(self._pidfd, self._ended)

    async def wait(self) -> Exit:
        """How it ended; everything else in its process group has been killed by then."""
        return await asyncio.shield(self._exit)

    @property
    def running(self) -> bool:
        return not self._exit.done()

    def signal(self, number: Signals) -> None:
        """Signal the program itself, as a runtime signals a container's first process."""
        if self.running:
            signal.pidfd_send_signal(self._pidfd, number)

    def signal_group(self, number: Signals) -> None:
        """Signal the program and everything it started that stayed in its group."""
        if self.running:
            os.killpg(self.pid, number)

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        _sweep_group(self.pid)  # before the leader is reaped, so that its number still is its own
        returned = self._popen.wait()
        os.close(self._pidfd)
        self._exit.set_result(Exit(returned if returned >= 0 else _SIGNALLED - returned))


def spawn(
    argv: Sequence[str], *, environment: Mapping[str, str], working_directory: Path, output: BinaryIO | int
) -> Process:
    """Start `argv` with stdout and stderr going to `output`. Raises CannotStart.

    Must run on the thread that lives as long as the node: the children's lives hang on it.
    """
    program = _find(argv[0], environment, working_directory)
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), program, *argv[1:]]
    try:
        popen = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=working_directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    except OSError as error:
        raise CannotStart(f"{argv[0]}: {error.strerror}: {error.filename or ''}") from error
    return Process(popen, asyncio.get_running_loop())


def _find(program: str, environment: Mapping[str, str], working_directory: Path) -> str:
    if "/" in program:
        path = working_directory / program
        if not os.access(path, os.X_OK) or path.is_dir():
            raise CannotStart(f'exec: "{program}": no such executable file')
        return str(path)
    found = shutil.which(program, path=environment.get("PATH", os.defpath))
    if found is None:
        raise CannotStart(f'exec: "{program}": executable file not found in $PATH')
    return found


def _sweep_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left, or only the zombie itself
