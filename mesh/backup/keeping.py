"""How is a state folder backed up and restored? In steps after each of which one may be killed and nothing is lost.

backup    copies beside the volumes, then the archive
restore   the archive is unpacked beside the volumes and proved; only then the cluster ends, when it may; the two
          folders exchange names in one step; what was there stays, as volumes-replaced-<time>
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from mesh.backup.archive import Manifest, pack, sync_folder, unpack
from mesh.backup.exchange import exchange, require_exchange
from mesh.backup.problems import AlreadyThere, ClusterRuns, NothingStored
from mesh.backup.snapshot import copy, databases, left_out, one_instant
from mesh.local.lifecycle import stop
from mesh.local.progress import Progress
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import read_supervisor_state


@dataclass(frozen=True)
class BackedUp:
    """What a backup holds, and what it does not."""

    manifest: Manifest
    left_out: Sequence[Path]


@dataclass(frozen=True)
class Restored:
    """What is there now, and where that is which was there before."""

    manifest: Manifest
    replaced: Path | None


def back_up(folder: StateFolder, file: Path, made: datetime, told: Progress) -> BackedUp:
    """Write all that is stored to `file`. Raises NothingStored, AlreadyThere, StaysBusy."""
    files = databases(folder.volumes) if folder.volumes.exists() else []
    if not files:
        raise NothingStored(folder.volumes)
    if file.exists():
        raise AlreadyThere(file)
    with _beside(folder) as copies:
        told.now("waiting for every database at once")
        with one_instant(files) as readers:
            for number, (source, reader) in enumerate(readers.items(), start=1):
                told.now(f"copying {source.name}, {number} of {len(files)}")
                target = copies / source.relative_to(folder.volumes)
                target.parent.mkdir(parents=True, exist_ok=True)
                copy(reader, target)
        told.now(f"writing {file}")
        manifest = pack(copies, databases(copies), made, file)
    return BackedUp(manifest, left_out(folder.volumes))


def restore(folder: StateFolder, file: Path, now: datetime, told: Progress, *, may_stop: bool) -> Restored:
    """Put what is in `file` in the place of all that is stored. Raises Damaged, ClusterRuns, NotExchangeable."""
    if _runs(folder) and not may_stop:
        raise ClusterRuns
    folder.root.mkdir(parents=True, exist_ok=True)
    require_exchange(folder.root)
    with _beside(folder) as unpacked:
        told.now(f"checking {file}")
        manifest = unpack(file, unpacked)
        if _runs(folder):
            told.now("stopping the cluster")
            stop(folder)
        return Restored(manifest, _put_in_place(folder, unpacked, now))


def _runs(folder: StateFolder) -> bool:
    return read_supervisor_state(folder.supervisor_state) is not None


def _put_in_place(folder: StateFolder, unpacked: Path, now: datetime) -> Path | None:
    """Make `unpacked` the volumes; where the former ones are now, if there were any."""
    replaced = folder.replaced_volumes(now)
    unpacked.rename(replaced)  # the name that the former ones have from the exchange on
    if folder.volumes.exists():
        exchange(replaced, folder.volumes)
    else:
        replaced.rename(folder.volumes)
    sync_folder(folder.root)
    return replaced if replaced.exists() else None


@contextmanager
def _beside(folder: StateFolder) -> Iterator[Path]:
    """A private folder on the file system of the volumes; what is still in it at the end is removed."""
    made = Path(mkdtemp(dir=folder.root, prefix=f"{folder.volumes.name}-half-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
