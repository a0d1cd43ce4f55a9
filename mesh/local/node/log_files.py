"""Where does a container's output go, how much of it is kept, and when was a line written?

Containers write straight into a file: a node that read every line first would take processor time from the
system it carries. What is lost is the time of each line, so the node notes once a second how long each file is;
a line's time is therefore up to a second late.
"""

from __future__ import annotations

import os
import shutil
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import BinaryIO

SIZE_LIMIT = 10 * 1024 * 1024
_NOTES_KEPT = 24 * 3600
_INSTANCES_KEPT = 2


class LogFile:
    """The output of one run of a container."""

    def __init__(self, path: Path, now: float) -> None:
        self.path = path
        self._times = [now]
        self._sizes = [0]

    def open_for_writing(self) -> BinaryIO:
        """A handle for the container; every write goes to the end, also after the file was cut."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "wb", buffering=0)

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def note(self, now: float) -> None:
        """Remember the size at `now` (seconds since the epoch); cut the file when it is too long.

        The older part is kept beside it as `.1`. What is written between the copy and the cut is lost.
        """
        size = self.size()
        if size > SIZE_LIMIT:
            shutil.copyfile(self.path, self.path.with_suffix(self.path.suffix + ".1"))
            os.truncate(self.path, 0)
            self._times, self._sizes, size = [now], [0], 0
        if size != self._sizes[-1]:
            self._times.append(now)
            self._sizes.append(size)
            del self._times[1:-_NOTES_KEPT], self._sizes[1:-_NOTES_KEPT]

    def offset_at(self, when: float) -> int:
        """Where to begin reading to see everything written since `when`."""
        position = bisect_left(self._times, when) - 1
        return self._sizes[position] if position >= 0 else 0

    def time_of(self, offset: int, now: float) -> float:
        """When the byte at `offset` had been written, at the latest."""
        position = bisect_right(self._sizes, offset)
        return self._times[position] if position < len(self._times) else now


class PodLogs:
    """The log files of one pod, by container; the last two runs of each are kept, as a kubelet does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        containers = sorted(folder.iterdir()) if folder.exists() else []
        self._runs = {each.name: _runs_in(each) for each in containers}

    def begin(self, container: str, restarts: int, now: float) -> LogFile:
        """The file for a new run of `container`."""
        runs = self._runs.setdefault(container, [])
        runs.append(LogFile(self._folder / container / f"{restarts}.log", now))
        for old in runs[:-_INSTANCES_KEPT]:
            old.path.unlink(missing_ok=True)
            old.path.with_suffix(".log.1").unlink(missing_ok=True)
        del runs[:-_INSTANCES_KEPT]
        return runs[-1]

    def run(self, container: str, *, previous: bool = False) -> LogFile | None:
        """The file of the current run, or of the one before; None when there is none."""
        runs = self._runs.get(container, [])
        position = 2 if previous else 1
        return runs[-position] if len(runs) >= position else None

    def note(self, now: float) -> None:
        for runs in self._runs.values():
            if runs:
                runs[-1].note(now)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _runs_in(folder: Path) -> list[LogFile]:
    """What an earlier node left of a container, oldest first."""
    paths = sorted(folder.glob("*.log"), key=lambda path: int(path.stem))
    return [LogFile(path, path.stat().st_mtime) for path in paths]
