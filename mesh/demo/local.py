"""What does the tour need of this machine? The cluster started, and stopped again if it did not run before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mesh.local.applying import Refused
from mesh.local.lifecycle import at_work, stop
from mesh.local.problems import NotReadyInTime
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import read_supervisor_state
from mesh.local.up import Wanted, up

MANIFESTS = Path("k8s") / "overlays" / "local"
START_TIMEOUT = 120.0


@contextmanager
def cluster(settings: Settings, progress: Progress, *, keep: bool) -> Iterator[None]:
    """Run the local cluster meanwhile; one that ran before, or that is to be kept, runs on."""
    folder = StateFolder(settings.state)
    runs_on = keep or read_supervisor_state(folder.supervisor_state) is not None
    try:
        up(settings, Wanted(settings.checkout / MANIFESTS, START_TIMEOUT), progress)
    except (NotReadyInTime, Refused):  # `up` has left it running, for people to look at
        if not runs_on:
            _stop(folder, progress)
        raise
    try:
        yield
    finally:
        if not runs_on:
            _stop(folder, progress)


def _stop(folder: StateFolder, progress: Progress) -> None:
    progress.now("stopping the cluster")
    with at_work(folder, "demo"):
        stop(folder)
    progress.done("cluster stopped")
