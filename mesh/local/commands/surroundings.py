"""What does every command start from? The settings, the state folder, and progress on standard error."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from mesh.local.problems import NotRunning
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import Settings, read_settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import SupervisorState, read_supervisor_state

WIDE = 160


def settings() -> Settings:
    """The settings of this process. Raises WrongSetting."""
    return read_settings(os.environ)


def progress() -> ConsoleProgress:
    """Progress that leaves standard output to the results."""
    return ConsoleProgress(Console(stderr=True))


def page() -> Console:
    """Where results are printed: as wide as the terminal, wide enough for a pod's line when there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def running(chosen: Settings) -> SupervisorState:
    """The running cluster's supervisor. Raises NotRunning."""
    state = read_supervisor_state(StateFolder(chosen.state).supervisor_state)
    if state is None:
        raise NotRunning(chosen.state)
    return state


def tell_which_cluster(progress: ConsoleProgress) -> None:
    """Say that the local cluster is meant, to somebody whose KUBECONFIG names another."""
    given = os.environ.get("KUBECONFIG")
    if given and Path(given).resolve() != StateFolder(settings().state).kubeconfig.resolve():
        progress.done(f"this is about the local cluster; the one that KUBECONFIG={given} names is left alone")


def end_like_ctrl_c() -> None:
    """Let SIGTERM end this command the way Ctrl-C does, so that it cleans up."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
