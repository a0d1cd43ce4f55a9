"""How does a cluster end? `argosy down`."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from mesh.local.commands.surroundings import progress, settings, tell_which_cluster
from mesh.local.file_lock import wait_and_hold
from mesh.local.lifecycle import interrupt_up, stop
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import read_supervisor_state


def down(
    *,
    volumes: Annotated[bool, typer.Option("--volumes", help="Also remove all that pods have stored.")] = False,
) -> None:
    """Stop the local cluster and everything it started, whatever condition it is in.

    An `argosy up` that is at work is interrupted first. The cluster's objects end with it; what pods stored in
    volumes stays for the next `argosy up`; --volumes removes it and what restores have replaced.

    \b
    argosy down
    argosy down --volumes

    \b
    Exit codes: 0 nothing is left running (also when nothing ran), 1 a process cannot be ended.
    """  # noqa: D301
    folder = StateFolder(settings().state)
    with progress() as told:
        tell_which_cluster(told)
        interrupted: set[str] = set()

        def waiting(holder: str) -> None:
            told.now(f"waiting for {holder} to end")
            if holder not in interrupted:
                interrupted.add(holder)
                interrupt_up(folder, holder)

        with wait_and_hold(folder.lock, "`argosy down`", waiting):
            ran = read_supervisor_state(folder.supervisor_state) is not None
            told.now("stopping")
            stop(folder)
            if volumes:
                for stored in folder.stored():
                    shutil.rmtree(stored, ignore_errors=True)
        told.done("stopped" if ran else "nothing was running")
