"""Where is everything of a running cluster? The map of `.argosy/`.

kubeconfig            the administrator's, for anybody's kubectl (0600)
instance              which of this machine's clusters it is, 0 to 9
cluster.lock          held by the `argosy up` or `argosy down` at work
supervisor/           plan.json (what to run: while it is there, a killed supervisor has a successor), written by us;
                      state.json (what runs), written by the supervisor
credentials/          certificates, keys and kubeconfigs of the parts (folder 0700, files 0600)
etcd/  istiod/        their working folders
node/                 what the node is told
pods/                 the node's records of its pods, and their working folders
logs/                 one file per part, one folder per pod; kept until the next start
volumes/              what pods keep; it outlives the cluster until `argosy down --volumes`
volumes-replaced-*/   what they kept before an `argosy restore`; as long
volumes-half-*/       what an `argosy backup` or `restore` that was killed had begun
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mesh.local.problems import LocalClusterError


@dataclass(frozen=True)
class StateFolder:
    """The paths below one state folder. Nothing is made by looking."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def instance(self) -> Path:
        return self.root / "instance"

    @property
    def lock(self) -> Path:
        return self.root / "cluster.lock"

    @property
    def supervisor(self) -> Path:
        return self.root / "supervisor"

    @property
    def plan(self) -> Path:
        return self.supervisor / "plan.json"

    @property
    def supervisor_state(self) -> Path:
        return self.supervisor / "state.json"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisor.log"

    @property
    def credentials(self) -> Path:
        return self.root / "credentials"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def istiod(self) -> Path:
        return self.root / "istiod"

    @property
    def node(self) -> Path:
        return self.root / "node"

    @property
    def node_config(self) -> Path:
        return self.node / "node.json"

    @property
    def pods(self) -> Path:
        return self.root / "pods"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    def replaced_volumes(self, now: datetime) -> Path:
        """Where what is stored goes when a restore replaces it."""
        return self.root / f"volumes-replaced-{now:%Y%m%dT%H%M%S.%fZ}"

    def stored(self) -> list[Path]:
        """What `argosy down --volumes` removes besides: all that pods have ever stored, in use or not."""
        return [self.volumes, *sorted(self.root.glob("volumes-*"))]

    @property
    def sockets(self) -> Path:
        """A short path outside the state folder: a unix socket's path holds 107 bytes, a checkout's may not fit."""
        digest = hashlib.sha256(bytes(self.root)).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"argosy-{os.getuid()}-{digest}"

    def ended_with_the_cluster(self) -> list[Path]:
        """What `argosy down` removes: everything but the logs, the volumes and the lock."""
        daemons = [self.supervisor, self.credentials, self.etcd, self.istiod]
        return [self.kubeconfig, self.instance, *daemons, self.node, self.pods, self.sockets]


class NotOurs(LocalClusterError):
    """A folder we need belongs to somebody else, who may have put it there to read along."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} belongs to another user; remove it or set TMPDIR to a folder of yours")


def make_private(folder: Path) -> Path:
    """Make `folder` readable by us only, parents included when they are new. Raises NotOurs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise NotOurs(folder)
    folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str | bytes) -> None:
    """Replace `path` at once by a file only its owner can read; readers see the old or the new one."""
    if not path.parent.exists():
        make_private(path.parent)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
    half.replace(path)
