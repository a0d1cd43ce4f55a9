"""What is an experiment done to? One cluster's shop, the ways to it, and the processes behind its pods."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lightkube import AsyncClient
from lightkube.resources.core_v1 import Pod

from mesh.chosen_cluster import Cluster
from mesh.running_shop import Shop


class Processes(Protocol):
    """The processes that pods' containers are, and the control plane's, wherever they run."""

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        """Send a signal to the container's process; its number there. Raises ShopError when there is none."""

    async def number(self, pod: Pod, container: str) -> int:
        """The number of the container's process there; 0 when there is none. Another one runs after a restart."""

    async def state(self, pod: Pod, container: str) -> str:
        """The state of the container's process as /proc has it (R, S, T, ...); empty when there is none."""

    async def python(self, pod: Pod, container: str, program: str, *arguments: str) -> str:
        """What a Python program says that runs with the container's files and variables. Raises ShopError."""

    async def why_not(self, part: str) -> str:
        """Why a part of the control plane (istiod, apiserver) cannot be taken away here; empty when it can."""

    async def stop_part(self, part: str) -> None:
        """Take the part away until `start_part`. Raises ShopError."""

    async def start_part(self, part: str) -> None:
        """Give it back, and return when it answers; nothing happens when it does. Raises ShopError."""

    async def part_works(self, part: str) -> bool:
        """Whether it answers, asked directly."""


@dataclass(frozen=True)
class Site:
    """Everything a fault and an observer may use."""

    cluster: Cluster
    client: AsyncClient
    shop: Shop
    processes: Processes
    gateway: str
    """host:port, where customers come in."""
    run: str
    """The run's name: in the label argosy/chaos of all that is made for it, and in names."""
    say: Callable[[str], None]
