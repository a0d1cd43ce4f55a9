"""How does a run end, seen from outside? Its runner says that it is over, or dies, or its time is over.

Runner and watchdog are processes of one machine, so death is known at once and for certain. A runner whose time is over
(it hangs, or was stopped) is killed first: it could make anew what is undone.
"""

from __future__ import annotations

import os
import select
import signal
from enum import Enum
from pathlib import Path

from mesh.chaos.run.place import Run
from mesh.local.process_identity import ProcessId

WATCHING = "watching"
"""A file in the run's folder: somebody watches."""
OVER = "over"
"""Another one: everything is undone that can be, and the run needs nobody any more."""


class Ended(Enum):
    """How a run has ended."""

    WELL = "it is over"
    DIED = "its runner has died"
    LATE = "its time was over, and its runner was killed"


def watch(run: Run, folder: Path) -> Ended:
    """Block until the runner has ended, or its time is over: then it has been killed."""
    (folder / WATCHING).touch()
    runner = ProcessId(run.pid, run.started)
    late = not _ends_within(runner, run.seconds)
    if late:
        runner.send(signal.SIGKILL)
        runner.wait()
    if (folder / OVER).exists():
        return Ended.WELL
    return Ended.LATE if late else Ended.DIED


def _ends_within(process: ProcessId, seconds: float) -> bool:
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        # The handle pins whoever has the number now; looking after opening leaves no gap for a stranger.
        return not process.alive() or bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)
