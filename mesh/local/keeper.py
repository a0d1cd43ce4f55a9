"""How is one part kept running? Started, asked until it answers, started again when it dies, stopped in the end.

waiting ---- the parts it needs are ready ---> starting
starting --- its probe answers --------------> ready
starting, ready ---- the process ends -------> paused (then starting again)
starting, ready ---- a task ends with 0 -----> done
any -------- stop() -------------------------> stopped
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from mesh.local.backoff import Backoff
from mesh.local.belongings import kill_belongings
from mesh.local.child import Child, start_child
from mesh.local.part import Part
from mesh.local.probing import answers, context_of
from mesh.local.process_identity import identify

PROBE_EVERY = 0.05


class Phase(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class Keeper:
    """Keeps one part running until it is stopped. `changed` is called after every change of the public attributes."""

    def __init__(self, part: Part, state: Path, changed: Callable[[], None]) -> None:
        self.part = part
        self.phase = Phase.WAITING
        self.process: Child | None = None
        self.restarts = 0
        self.last_exit: int | None = None
        self.since = time.time()
        self.was_ready = asyncio.Event()
        self._state = state
        self._changed = changed
        self._stopping = asyncio.Event()

    async def run(self, needed: Mapping[str, Keeper]) -> None:
        """Keep it running until `stop` is called."""
        await self._unless_stopping(self._all_ready(needed))
        backoff = Backoff()
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._live()
            if self.part.once and self.last_exit == 0:
                self.was_ready.set()
                self._enter(Phase.DONE)
                await self._stopping.wait()
            if self._stopping.is_set():
                break
            backoff = backoff.died(time.monotonic() - began)
            self.restarts += 1
            self._enter(Phase.PAUSED)
            await self._unless_stopping(asyncio.sleep(backoff.pause()))
        self._enter(Phase.STOPPED)

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL after its grace, then whatever it left behind. `run` returns thereafter."""
        self._stopping.set()
        process = self.process
        if process is None:
            return
        process.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.part.stop_grace):
                await process.wait()
        except TimeoutError:
            process.send(signal.SIGKILL)

    async def _live(self) -> None:
        """One life of the process, from its start until nothing of it is left."""
        self._enter(Phase.STARTING)
        part = self.part
        self.process = start_child(part.argv, part.env, part.cwd, Path(part.log), outlives=part.outlives)
        self._changed()
        asking = asyncio.create_task(self._until_ready())
        self.last_exit = await self.process.wait()
        asking.cancel()
        while kill_belongings(self._state, self.part.name):
            await asyncio.sleep(0.01)
        self.process = None

    async def _until_ready(self) -> None:
        probe = self.part.probe
        if probe is not None:
            context = context_of(probe)
            while not await answers(probe, context):
                await asyncio.sleep(PROBE_EVERY)
        elif self.part.once:
            return  # ready when done
        self.was_ready.set()
        self._enter(Phase.READY)

    async def _all_ready(self, needed: Mapping[str, Keeper]) -> None:
        for name in self.part.starts_after:
            await needed[name].was_ready.wait()

    async def _unless_stopping(self, awaited: Coroutine[Any, Any, object]) -> None:
        tasks: set[asyncio.Task[object]] = {asyncio.create_task(awaited), asyncio.create_task(self._stopping.wait())}
        _, unfinished = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in unfinished:
            task.cancel()

    def _enter(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase, self.since = phase, time.time()
            self._changed()

    def report(self) -> dict[str, object]:
        """What the state file says about this part."""
        living = identify(self.process.pid) if self.process else None
        return {
            "pid": living.pid if living else None,
            "started": living.started if living else None,
            "phase": self.phase,
            "since": self.since,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "log": self.part.log,
        }
