"""What can be said about a container at a moment: waiting, running or terminated, and how it got there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Waiting:
    reason: str = "ContainerCreating"
    message: str = ""


@dataclass(frozen=True)
class Running:
    started_at: datetime


@dataclass(frozen=True)
class Terminated:
    exit_code: int
    reason: str
    started_at: datetime
    finished_at: datetime
    message: str = ""
    container_id: str = ""


State = Waiting | Running | Terminated


@dataclass(frozen=True)
class ContainerView:
    """One container as the pod's status shows it."""

    name: str
    image: str
    state: State = Waiting()
    last_state: Terminated | None = None
    ready: bool = False
    started: bool = False
    restarts: int = 0
    container_id: str = ""
    stays: bool = False
    """Runs beside the others as long as they do: the proxy, or an init container with restartPolicy Always."""

    @property
    def initialized(self) -> bool:
        """Whether the init containers after this one may start."""
        return self.started if self.stays else self.succeeded

    @property
    def succeeded(self) -> bool:
        return isinstance(self.state, Terminated) and self.state.exit_code == 0

    @property
    def failed(self) -> bool:
        return isinstance(self.state, Terminated) and self.state.exit_code != 0
