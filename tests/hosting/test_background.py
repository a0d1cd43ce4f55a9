"""A background task runs until the drain, whatever happens to it."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.hosting import background
from services.hosting.background import running
from services.hosting.metrics import background_failures


async def test_a_task_that_raises_is_logged_counted_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    again = asyncio.Event()
    runs: list[int] = []

    async def sweep() -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise OSError("the disk is full")
        again.set()
        await asyncio.Event().wait()

    async with running([sweep], background_failures(registry), first_pause=0.001):
        await again.wait()
    assert runs == [0, 1, 2]
    [failures] = [
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "argosy_background_failures_total"
    ]
    assert failures == 2
    assert caplog.text.count("background task failed") == 2


@pytest.mark.parametrize(("well_after", "pauses"), [(0.0, [0.001, 0.001, 0.001]), (60.0, [0.001, 0.002, 0.004])])
async def test_the_pauses_grow_until_the_task_has_run_well(
    well_after: float, pauses: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "WELL_AFTER", well_after)
    ended = asyncio.Event()
    runs: list[int] = []

    async def sweep() -> None:
        runs.append(1)
        if len(runs) > len(pauses):
            ended.set()
            await asyncio.Event().wait()
        raise OSError("the database is away")

    async with running([sweep], background_failures(CollectorRegistry()), first_pause=0.001):
        await ended.wait()
    assert [vars(record)["again_in"] for record in caplog.records] == pauses


async def test_tasks_are_cancelled_and_waited_for_at_the_end() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def sweep() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with running([sweep], background_failures(CollectorRegistry())):
        await began.wait()
    assert ended.is_set()


async def test_a_task_that_returns_is_done() -> None:
    runs: list[int] = []

    async def once() -> None:
        runs.append(1)

    async with running([once], background_failures(CollectorRegistry()), first_pause=0.0):
        for _ in range(10):
            await asyncio.sleep(0)
    assert runs == [1]
