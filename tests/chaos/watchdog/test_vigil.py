from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import pytest

from mesh.chaos.run.place import Run
from mesh.chaos.watchdog.vigil import OVER, WATCHING, Ended, watch

pytestmark = pytest.mark.processes


async def watched(run: Run, folder: Path) -> asyncio.Task[Ended]:
    """The vigil, once it watches."""
    watching = asyncio.create_task(asyncio.to_thread(watch, run, folder))
    async with asyncio.timeout(30):
        while not (folder / WATCHING).exists():
            await asyncio.sleep(0.01)
    return watching


async def test_a_runner_that_is_killed_has_died(run: Run, runner: Popen[bytes], tmp_path: Path) -> None:
    watching = await watched(run, tmp_path)
    runner.send_signal(signal.SIGKILL)
    assert await watching is Ended.DIED


async def test_a_runner_that_said_it_was_over_has_ended_well(run: Run, runner: Popen[bytes], tmp_path: Path) -> None:
    watching = await watched(run, tmp_path)
    (tmp_path / OVER).touch()
    runner.send_signal(signal.SIGTERM)
    assert await watching is Ended.WELL


async def test_a_runner_whose_time_is_over_is_killed_even_when_it_is_stopped(
    run: Run, runner: Popen[bytes], tmp_path: Path
) -> None:
    runner.send_signal(signal.SIGSTOP)
    assert await asyncio.to_thread(watch, replace(run, seconds=0.0), tmp_path) is Ended.LATE
    assert runner.wait() == -signal.SIGKILL


async def test_a_runner_that_had_ended_before_anybody_watched_has_died(
    run: Run, runner: Popen[bytes], tmp_path: Path
) -> None:
    runner.kill()
    runner.wait()
    assert watch(run, tmp_path) is Ended.DIED


async def test_another_process_with_its_number_is_not_taken_for_it(
    run: Run, runner: Popen[bytes], tmp_path: Path
) -> None:
    assert watch(replace(run, started=run.started - 1, seconds=0.0), tmp_path) is Ended.DIED
    assert runner.poll() is None


def test_what_a_watchdog_reads_is_what_the_runner_wrote(run: Run, tmp_path: Path) -> None:
    run.write(tmp_path)
    assert Run.read(tmp_path) == run
