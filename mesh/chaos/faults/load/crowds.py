"""What if far more customers came than the shop can serve, or all who got no answer asked again at once?

The crowd is a process beside the load that is judged (mesh.chaos.faults.load.crowd). It is proved where it arrives: by
the calls that the servers of orders count.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mesh.chaos.faults.fault import Memory, Proof
from mesh.chaos.faults.load.arriving import arrivals
from mesh.chaos.faults.load.crowd_process import end, members, start
from mesh.chaos.site import Site

ASKED = "orders"  # the service where the crowd arrives
MORE = 1.5  # times the arrivals of before, or there is no crowd


@dataclass(frozen=True)
class Crowd(ABC):
    """Customers who order, and wait `patience` seconds for each answer."""

    kind: ClassVar[str]
    lasting: ClassVar[bool] = True

    @abstractmethod
    def arguments(self) -> Sequence[str]:
        """What the crowd's process is told."""

    async def impossible(self, site: Site) -> str:
        return ""

    async def plan(self, site: Site) -> Memory:
        return {"crowd": f"{site.run}-{self.kind}", "before": await arrivals(site, ASKED)}

    async def inject(self, site: Site, memory: Memory) -> None:
        await start(site.gateway, memory["crowd"], self.arguments())

    async def proof(self, site: Site, memory: Memory) -> Proof:
        """The servers say how many arrive. That a process lives proves nothing, but while it does none is gone."""
        now, before, processes = await arrivals(site, ASKED), memory["before"], members(memory["crowd"])
        seen = f"{now:.0f} calls a second arrive at {ASKED}, {before:.0f} before; crowds at work: {len(processes)}"
        return Proof(True if now > MORE * before else None if processes else False, seen)

    async def remove(self, site: Site, memory: Memory) -> None:
        await asyncio.to_thread(end, memory["crowd"])


@dataclass(frozen=True)
class Overload(Crowd):
    """`factor` times as many orders as the shop can confirm, which the crowd finds out first."""

    kind: ClassVar[str] = "overload"

    factor: float = 3.0
    patience: float = 2.5

    def arguments(self) -> Sequence[str]:
        return [f"--factor={self.factor}", f"--patience={self.patience}"]


@dataclass(frozen=True)
class RetryStorm(Crowd):
    """`rate` more customers a second, each of whom asks up to `presses` times, `pause` seconds after no answer."""

    kind: ClassVar[str] = "retry-storm"

    rate: float = 10.0
    presses: int = 6
    pause: float = 0.05
    patience: float = 2.5

    def arguments(self) -> Sequence[str]:
        each = f"--presses={self.presses}", f"--pause={self.pause}", f"--patience={self.patience}"
        return [f"--rate={self.rate}", *each]
