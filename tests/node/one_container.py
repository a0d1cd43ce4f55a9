"""One container without a pod round it: its runner is real, and so are its processes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mesh.local.node.container import ContainerRunner, Prepared
from mesh.local.node.container_state import ContainerView
from mesh.local.node.log_files import LogFile, PodLogs
from mesh.local.node.pod_spec import Command
from mesh.local.node.probe_schedule import Thresholds

QUICK = Thresholds(period=0.05, failures=2)


class Around:
    """A pod's side of its container: what it was told, and where the output went."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = PodLogs(folder)
        self.events: list[tuple[str, str]] = []

    def changed(self) -> None:
        """Tests look at the view instead."""

    def tell(self, container: str, reason: str, message: str, *, warning: bool = False) -> None:  # noqa: ARG002
        self.events.append((reason, message))

    def log_file(self, container: str, restarts: int) -> LogFile:
        return self.logs.begin(container, restarts, time.time())

    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.events]

    def output(self, run: int = 0) -> str:
        path = self.folder / "app" / f"{run}.log"
        return path.read_text() if path.exists() else ""


def prepared(script: str, **more: Any) -> Prepared:
    return Prepared(Command(("sh", "-c", script), {"PATH": os.environ["PATH"]}, Path("/")), **more)


def always(what: Prepared) -> Callable[[], Awaitable[Prepared]]:
    async def prepare() -> Prepared:
        return what

    return prepare


@asynccontextmanager
async def running(
    around: Around,
    prepare: Callable[[], Awaitable[Prepared]],
    policy: str = "Always",
    view: ContainerView | None = None,
) -> AsyncIterator[ContainerRunner]:
    runner = ContainerRunner(view or ContainerView("app", "argosy:dev"), policy, 0.2, prepare, around)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.kill()
        await task
