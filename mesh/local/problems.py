"""What can go wrong with the local cluster, and which exit code says so?

LocalClusterError        1  the wish could not be fulfilled
  AnotherAtWork          3  another `argosy up` or `argosy down` holds the cluster
  NotRunning             4  there is no cluster to ask
  PortTaken              5  a port the cluster needs belongs to somebody else
  BuildFailed            6  a program could not be built or downloaded
  PartFailed             7  a control-plane process keeps ending
  NotReadyInTime         8  pods or sidecars did not become ready
"""

from __future__ import annotations

from pathlib import Path


class LocalClusterError(Exception):
    """The base of everything the local cluster reports to its user; `str()` says what to do."""

    exit_code = 1


class AnotherAtWork(LocalClusterError):
    """Another command is changing this cluster right now."""

    exit_code = 3

    def __init__(self, holder: str) -> None:
        super().__init__(f"{holder} is at work on this cluster; wait until it ends, or look at `argosy status`")
        self.holder = holder


class NotRunning(LocalClusterError):
    """No cluster runs from this state folder."""

    exit_code = 4

    def __init__(self, state: Path) -> None:
        super().__init__(f"no cluster runs in {state}; start one with `argosy up`")
        self.state = state


class PortTaken(LocalClusterError):
    """Ports of ours are in other hands: `takers` maps each port to who has it."""

    exit_code = 5

    def __init__(self, takers: dict[int, str]) -> None:
        listed = "; ".join(f"{port} is taken by {taker}" for port, taker in sorted(takers.items()))
        super().__init__(f"port {listed}. End that program, or choose other ports with ARGOSY_INSTANCE=1 (to 9)")
        self.takers = takers


class BuildFailed(LocalClusterError):
    """A program is neither there nor buildable; the message ends with the builder's last words."""

    exit_code = 6


class PartFailed(LocalClusterError):
    """A control-plane process does not stay up."""

    exit_code = 7

    def __init__(self, name: str, log: Path, last_words: str) -> None:
        super().__init__(f"{name} does not stay up; the end of {log}:\n{last_words}")
        self.name = name
        self.log = log


class NotReadyInTime(LocalClusterError):
    """The cluster runs, but something in it did not become ready in time."""

    exit_code = 8

    def __init__(self, seconds: float, missing: list[str]) -> None:
        what = "; ".join(missing)
        super().__init__(f"not ready after {seconds:.0f} s: {what}. See `argosy status` and `argosy logs POD`")
        self.missing = missing
