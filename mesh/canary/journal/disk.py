"""Where is the copy of a journal on this machine's disk, and what only the disk keeps? For who runs the tool."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mesh.canary.journal.entry import Entry
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import make_private

_XDG = "XDG_STATE_HOME"


def folder_of(cluster: Cluster, service: str, environ: Mapping[str, str]) -> Path:
    """The folder of a service's journals: in the local cluster's state folder, else in the user's."""
    if cluster.local:
        return cluster.kubeconfig.parent / "canary" / service
    home = environ.get(_XDG) or Path("~/.local/state").expanduser()
    return Path(home) / "argosy" / "canary" / cluster.name / service


class DiskCopy:
    """The copy of one run's journal, and what its scrapes brought."""

    def __init__(self, folder: Path, run: str) -> None:
        self.folder, self.run = folder, run
        self._written: int | None = None

    @property
    def path(self) -> Path:
        """The journal, an entry a line."""
        return self.folder / f"{self.run}.jsonl"

    def catch_up(self, entries: Sequence[Entry]) -> None:
        """Append what is not there yet."""
        if self._written is None:
            self._written = self._mended()
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(entry.line() + "\n" for entry in entries[self._written :])
        self._written = len(entries)

    def _mended(self) -> int:
        """How many whole lines there are; one that a kill has cut off is taken away."""
        make_private(self.folder)
        text = self.path.read_bytes() if self.path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.truncate(self.path, len(whole))
        return whole.count(b"\n")

    def keep_raw(self, sha256: str, raw: bytes) -> None:
        """Keep what a scrape brought under its hash, which the block's entry names."""
        folder = make_private(self.folder / f"{self.run}.raw")
        (folder / f"{sha256}.gz").write_bytes(gzip.compress(raw, compresslevel=1))
