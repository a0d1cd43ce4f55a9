"""How are the processes of a run started, and what became of them?"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path

from loadtest.generator.plan import Plan
from loadtest.generator.seen import Seen, together
from mesh.local.problems import LocalClusterError

SLOWEST_START = 60.0  # seconds, with the last calls: on a busy machine


class GeneratorLost(LocalClusterError):
    """A process of the run has failed, so nobody knows what was sent; the message has its last words."""

    exit_code = 3


async def run(plan: Plan, folder: Path, tell: Callable[[float], None]) -> Seen:
    """Do what is planned; `tell` hears the seconds that have passed. Raises GeneratorLost."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    limit = plan.warm_up + plan.seconds + SLOWEST_START
    started = [await _started(part, folder) for part in plan.parts()]
    ended = asyncio.gather(*(_ended(process) for process in started))
    try:
        while not ended.done():
            tell(loop.time() - began)
            if loop.time() - began > limit:
                raise GeneratorLost(f"a load generator was still at work after {limit:.0f} s")
            await asyncio.wait([ended], timeout=0.5)
        await ended
    finally:
        ended.cancel()
        for process in started:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _collected(plan, folder)


def _collected(plan: Plan, folder: Path) -> Seen:
    files = sorted(folder.glob("*.json"))
    if len(files) < plan.processes:
        raise GeneratorLost(f"{plan.processes - len(files)} of {plan.processes} load generators left no result")
    return together(files, plan.seconds)


async def _started(part: Plan, folder: Path) -> Process:
    # With a pipe it notices when we are gone, and in a session of its own Ctrl-C is ours to act on.
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest.generator", part.to_json(), str(folder / f"{part.number}.json")),
        stdin=PIPE,
        stdout=DEVNULL,
        stderr=PIPE,
        start_new_session=True,
    )


async def _ended(process: Process) -> None:
    assert process.stderr  # noqa: S101 - it was started with a pipe
    said = (await process.stderr.read()).decode()
    if code := await process.wait():
        raise GeneratorLost(f"a load generator ended with exit code {code}: {said.strip()[-1000:]}")
