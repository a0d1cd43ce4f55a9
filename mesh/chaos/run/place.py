"""Where does a run keep what it writes, and what does its watchdog have to know? A folder, and `run.json` in it.

undo.jsonl      what is to be undone, written ahead
run.json        whose run it is, until when, and of which cluster
watching, over  whether its watchdog watches, and whether it has to
watchdog.log    what that did
verdict.json    how it ended
timeline.json, journal.json, report.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from mesh.chaos.problems import Refused
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import make_private, write_private

_XDG = "XDG_STATE_HOME"
_FILE = "run.json"


@dataclass(frozen=True)
class Run:
    """One run, as its watchdog reads of it."""

    name: str
    experiment: str
    file: str
    """The experiment's."""
    control: bool
    protection: str
    by: str
    """How the runner signs its Leases."""
    pid: int
    started: int
    """Of the runner's process, see ProcessId."""
    seconds: float
    """From the start of its watchdog until the run is undone, whatever it does."""
    targets: tuple[str, ...]
    kubeconfig: str
    context: str
    local: bool
    namespace: str

    @property
    def cluster(self) -> Cluster:
        """The cluster it is done to."""
        return Cluster(Path(self.kubeconfig), self.context, self.local)

    def write(self, folder: Path) -> None:
        """Keep it in the run's folder."""
        write_private(folder / _FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What was kept. Raises FileNotFoundError."""
        fields = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return cls(**{**fields, "targets": tuple(fields["targets"])})


def folder_of(cluster: Cluster, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all runs: in the local cluster's state folder, else in the user's."""
    if cluster.local:
        return cluster.kubeconfig.parent / "chaos"
    home = environ.get(_XDG) or Path("~/.local/state").expanduser()
    return Path(home) / "argosy" / "chaos" / cluster.name


def begun(cluster: Cluster, experiment: str, *, control: bool) -> tuple[str, Path]:
    """A name for a new run, and its folder, which nobody else has. Raises Refused."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{experiment}{'-control' if control else ''}"
    folder = make_private(folder_of(cluster)) / name
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise Refused(f"another run of {experiment} has begun within this second") from None
    return name, folder
