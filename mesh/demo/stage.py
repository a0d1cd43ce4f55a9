"""What does every step of the tour stand on? The running shop, a customer, and a way to say what happens."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lightkube.resources.core_v1 import Pod

from loadtest.open_loop import OpenLoop
from loadtest.report import Report
from loadtest.shopper import Shopper
from mesh.running_shop import Shop


class Processes(Protocol):
    """The processes that pods' containers are, wherever they run."""

    async def signal(self, pod: Pod, container: str, number: signal.Signals) -> int:
        """Send a signal to the container's process; its number there. Raises ShopError when there is none."""


@dataclass(frozen=True)
class Stage:
    """Everything a step may use."""

    shop: Shop
    shopper: Shopper
    gateway: str  # where the shopper calls, host:port
    began: datetime
    say: Callable[[str], None]
    processes: Processes

    async def orders(self, count: int, *, rate: float, timeout: float = 5.0) -> Report:
        """Place `count` orders at `rate` per second, each with `timeout` seconds, and wait for the last."""
        return await OpenLoop(lambda _: self.shopper.place_order(timeout=timeout), rate=rate).run(calls=count)

    def browsing(self, rate: float) -> OpenLoop:
        """A load of catalog reads at `rate` per second, not yet running."""
        return OpenLoop(lambda _: self.shopper.get_product(timeout=2.0), rate=rate)

    def ordering(self, rate: float) -> OpenLoop:
        """A load of orders at `rate` per second, not yet running."""
        return OpenLoop(lambda _: self.shopper.place_order(timeout=5.0), rate=rate)


def tally(report: Report) -> str:
    """The status codes of a run in one phrase: `OK 97, UNAVAILABLE 3`."""
    return ", ".join(f"{code} {count}" for code, count in report.codes.most_common())
