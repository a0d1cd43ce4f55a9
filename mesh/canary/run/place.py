"""What does a run need of the world? One service of one cluster, somebody who measures, somebody who listens."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightkube import AsyncClient

from mesh.canary.act.lease import Lease
from mesh.canary.act.routing import Routing
from mesh.canary.journal.keeping import Journals
from mesh.canary.journal.state import Wished
from mesh.canary.look.listener import Listener
from mesh.canary.measure.source import Source
from mesh.chosen_cluster import NAMESPACE

Guard = Callable[[], Coroutine[Any, Any, str | None]]
"""Who watches over the run, started if need be; None: nobody."""


class Bell:
    """What the operator of this process asks for while it runs: Ctrl-C, for example."""

    def __init__(self) -> None:
        self._wishes: deque[Wished] = deque()
        self._rung = asyncio.Event()

    def ring(self, wish: Wished) -> None:
        """Ask for it; the run wakes up."""
        self._wishes.append(wish)
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return after so long, or as soon as somebody rings."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()  # one ring wakes once: who cannot do it now need not hurry

    @property
    def wish(self) -> Wished | None:
        """What was asked for first and is not journaled yet."""
        return self._wishes[0] if self._wishes else None

    def journaled(self) -> None:
        """It is now, and cannot be lost any more."""
        self._wishes.popleft()


@dataclass
class Place:
    """Where a run happens."""

    client: AsyncClient
    service: str
    guard: Guard
    folder: Path | None
    """Of the journals' copies on this machine, see mesh.canary.journal.disk.folder_of; None: no copies."""
    by: str
    """Who acts, as mesh.canary.act.holder.operator says it."""
    source: Source | None = None
    """None for who only pauses, promotes or rolls back."""
    listeners: Sequence[Listener] = ()
    bell: Bell = field(default_factory=Bell)
    clock: Callable[[], float] = time.time
    namespace: str = NAMESPACE

    def __post_init__(self) -> None:
        self.journals = Journals(self.client, self.service, namespace=self.namespace)
        self.routing = Routing(self.client, self.service, namespace=self.namespace)
        self.lease = Lease(self.client, self.service, namespace=self.namespace)

    def holder(self, run: str) -> str:
        """How this process signs the service's Lease."""
        return f"{self.by} run {run}"
