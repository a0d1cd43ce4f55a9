"""What does the tour need of this machine? The cluster started and stopped, and the processes behind its pods."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lightkube.resources.core_v1 import Pod

from mesh.local.applying import Refused
from mesh.local.lifecycle import at_work, stop
from mesh.local.node.pod_record import read_all
from mesh.local.problems import NotReadyInTime
from mesh.local.progress import Progress
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import read_supervisor_state
from mesh.local.up import Wanted, up
from mesh.running_shop import ShopError, pod_name

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


class LocalProcesses:
    """The processes behind the pods of the local cluster, which are this machine's."""

    def __init__(self, state: StateFolder) -> None:
        self._state = state

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        """Send a signal to the container's process; its number. Raises ShopError when there is none."""
        for record in read_all(self._state.pods):
            if record.uid == (pod.metadata and pod.metadata.uid) and container in record.containers:
                process = record.containers[container].pid
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(process, number)
                    return process
        raise ShopError(f"pod {pod_name(pod)} has no process {container} on this machine")
