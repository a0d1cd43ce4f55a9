"""What can go wrong with a backup, and which exit code says so?

LocalClusterError        1
  NothingStored          1  there is no database to back up
  AlreadyThere           1  the file exists
  StaysBusy              1  a database is being written to without a pause
  Damaged                1  the file is not what `argosy backup` wrote, to the last byte
  NotExchangeable        1  the file system cannot exchange two folders at once
  ClusterRuns            3  its pods would go on writing into what is replaced
"""

from __future__ import annotations

from pathlib import Path

from mesh.local.problems import LocalClusterError


class NothingStored(LocalClusterError):
    """No database."""

    def __init__(self, volumes: Path) -> None:
        super().__init__(f"no pod has stored anything in {volumes}; `argosy up` makes a shop that does")


class AlreadyThere(LocalClusterError):
    """A backup is never written over."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"there is a file {file} already; name another, or remove it")


class StaysBusy(LocalClusterError):
    """Not all databases could be held at once."""

    def __init__(self, file: Path, seconds: float) -> None:
        super().__init__(f"{file} was written to without a pause for {seconds:.0f} s; try again with less load")


class Damaged(LocalClusterError):
    """The archive cannot be trusted."""

    def __init__(self, file: Path, why: object) -> None:
        super().__init__(f"{file} is no whole backup: {why}. Nothing was changed")


class NotExchangeable(LocalClusterError):
    """What is there and what shall be cannot change places."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"the file system of {folder} cannot exchange two folders at once ({why}), so a restore could be cut off"
            " half-way. Nothing was changed; let ARGOSY_STATE be on a local disk"
        )


class ClusterRuns(LocalClusterError):
    """Restoring under running pods."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__("the cluster runs; `argosy down` first, or let `argosy restore --stop` do it")
