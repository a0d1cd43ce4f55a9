"""Who keeps the parts of the cluster running? This daemon: `python -m mesh.local.supervisor PLAN.json`.

It starts the parts in the order of their needs, starts again what dies, and on SIGTERM stops them in their order.
When it is killed itself, the kernel kills its children (PR_SET_PDEATHSIG) but one: its `standby`, which takes its place
and begins by ending what the children had started themselves, found by their mark (`belongings`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from mesh.local.belongings import kill_belongings
from mesh.local.keeper import Keeper
from mesh.local.part import Plan, load_plan, stop_order
from mesh.local.process_identity import this_process
from mesh.local.standby import standby_of
from mesh.local.state_folder import StateFolder, write_private

log = logging.getLogger(__name__)


class Supervisor:
    """Runs a plan from `run()` until `stop()`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stop = asyncio.Event()
        self._keepers = {part.name: Keeper(part, Path(plan.state), self._write_state) for part in plan.parts}

    async def run(self) -> None:
        """Keep everything running; returns when everything has been stopped."""
        self._write_state()
        while kill_belongings(Path(self._plan.state)):  # of a supervisor that was killed
            await asyncio.sleep(0.01)
        running = {name: asyncio.create_task(keeper.run(self._keepers)) for name, keeper in self._keepers.items()}
        stopping = asyncio.create_task(self._stop.wait())
        # A keeper that ends before it was told to has failed, and with it the supervisor.
        done, _ = await asyncio.wait({stopping, *running.values()}, return_when=asyncio.FIRST_COMPLETED)
        for group in stop_order(self._plan.parts):
            await asyncio.gather(*(self._keepers[part.name].stop() for part in group))
            await asyncio.wait({running[part.name] for part in group})
        for task in done - {stopping}:
            task.result()

    def stop(self) -> None:
        """Ask `run` to stop everything."""
        self._stop.set()

    def _write_state(self) -> None:
        own = this_process()
        state = {
            "pid": own.pid,
            "started": own.started,
            "stopping": self._stop.is_set(),
            "parts": {name: keeper.report() for name, keeper in self._keepers.items()},
        }
        try:
            write_private(Path(self._plan.state_file), json.dumps(state, indent=1) + "\n")
        except OSError as error:  # a full disk must not end a cluster that runs
            log.warning("%s not written: %s", self._plan.state_file, error)


async def _main(plan_file: Path, deaths: int) -> None:
    plan = load_plan(plan_file)
    standby = standby_of(this_process(), StateFolder(Path(plan.state)), deaths, os.environ)
    supervisor = Supervisor(replace(plan, parts=(standby, *plan.parts)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a closed terminal is no reason to end
    await supervisor.run()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), deaths=int(sys.argv[2]) if sys.argv[2:] else 0))
