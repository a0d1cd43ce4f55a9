"""Who makes sure that somebody watches? The runner, before it changes anything.

    python -m mesh.chaos.watchdog FOLDER      with the marks of the local cluster's state folder

It outlives the one who started it, which is what it is for, ends with the run, and on the local cluster dies with
`argosy down`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mesh.chaos.problems import ChaosError
from mesh.chaos.run.place import Run
from mesh.chaos.watchdog.vigil import OVER, WATCHING
from mesh.chosen_cluster import KUBECONFIG
from mesh.local import outliving
from mesh.local.outliving import belonging

STARTS_WITHIN = 60.0
"""Seconds: long, because everything else may be busy."""
POLL = 0.05
PART = "chaos-watchdog"
LOG = "watchdog.log"


class Watchdog:
    """The process that watches over a run."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def alive(self) -> bool:
        """Whether it still watches."""
        return self._process.poll() is None

    async def dismiss(self) -> None:
        """End it: the run needs nobody any more."""
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)

    def leave(self) -> None:
        """Let it outlive us."""
        self._process.returncode = self._process.returncode or 0  # Popen would warn that nobody waits for it


@asynccontextmanager
async def watched_over(run: Run, folder: Path, environ: Mapping[str, str] = os.environ) -> AsyncIterator[Watchdog]:
    """A watchdog for this run, which watches when the block begins. Raises ChaosError when none can be had.

    After a block that ended with an error it stays, and undoes what is left as soon as this process has ended.
    """
    run.write(folder)
    watchdog = Watchdog(outliving.start("mesh.chaos.watchdog", str(folder), folder / LOG, _environment(run, environ)))
    await _watching(watchdog, folder)
    try:
        yield watchdog
        (folder / OVER).touch()
    except BaseException:
        watchdog.leave()
        raise
    await watchdog.dismiss()


async def _watching(watchdog: Watchdog, folder: Path) -> None:
    """Wait until it watches. Raises ChaosError."""
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            while not (folder / WATCHING).exists() and watchdog.alive:
                await asyncio.sleep(POLL)
    except TimeoutError:
        await watchdog.dismiss()
    if not watchdog.alive:
        raise ChaosError(f"nobody watches over the run, so nothing was begun; {folder / LOG} says why")


def _environment(run: Run, environ: Mapping[str, str]) -> dict[str, str]:
    if not run.local:
        return {**environ, KUBECONFIG: run.kubeconfig}
    return belonging(Path(run.kubeconfig).parent, PART, environ)
