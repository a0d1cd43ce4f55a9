"""What does the tour need of this machine? The cluster started and stopped, and the processes behind its pods."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lightkube.resources.core_v1 import Pod

from mesh.demo.stage import Books
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


def process_finder(state: StateFolder) -> Callable[[Pod, str], int]:
    """A way to find the process that a pod's container is on this machine."""

    def process_of(pod: Pod, container: str) -> int:
        for record in read_all(state.pods):
            if record.uid == (pod.metadata and pod.metadata.uid) and container in record.containers:
                return record.containers[container].pid
        raise ShopError(f"pod {pod_name(pod)} has no process {container} on this machine")

    return process_of


def audit(kubeconfig: Path) -> Books:
    """What `argosy audit` says. Raises ShopError when the books cannot be read."""
    command = [sys.executable, "-m", "mesh", "audit", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={"KUBECONFIG": str(kubeconfig)})
    try:
        said = json.loads(done.stdout)
        found = tuple(f"{one['name']}: {one['detail']}" for one in said["discrepancies"])
        return Books(said["orders"]["total"], found)
    except (ValueError, KeyError) as error:
        raise ShopError(f"argosy audit ended with {done.returncode}: {done.stderr.strip()[-500:]}") from error
