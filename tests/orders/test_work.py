"""Work that outlives its caller is counted, and waited for at shutdown, but not for ever."""

from __future__ import annotations

import asyncio
import logging

import pytest

from services.orders.store import Overtaken
from services.orders.work import Work

LOGGER = logging.getLogger("work")


async def test_room_shrinks_with_each_task_and_comes_back() -> None:
    work, go_on = Work(2, LOGGER), asyncio.Event()
    task = work.begin(go_on.wait())
    assert work.room == 1
    go_on.set()
    await task
    await asyncio.sleep(0)
    assert work.room == 2


async def test_a_drain_waits_for_what_was_begun() -> None:
    work, done = Work(2, LOGGER), []

    async def a_little() -> None:
        await asyncio.sleep(0)
        done.append(1)

    work.begin(a_little())
    await work.drain(10.0)
    assert done == [1]


async def test_a_drain_waits_for_what_is_begun_meanwhile() -> None:
    work, done = Work(2, LOGGER), []

    async def compensate() -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        done.append("compensated")

    async def decide() -> None:
        await asyncio.sleep(0)
        work.begin(compensate())

    work.begin(decide())
    await work.drain(10.0)
    assert done == ["compensated"]


async def test_a_drain_ends_what_does_not() -> None:
    work = Work(2, LOGGER)
    task = work.begin(asyncio.Event().wait())
    await work.drain(0.01)
    assert task.cancelled()


async def test_failures_nobody_waits_for_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    work = Work(2, LOGGER)

    async def fail(error: Exception) -> None:
        raise error

    with caplog.at_level(logging.INFO):
        work.begin(fail(RuntimeError("disk full")))
        work.begin(fail(Overtaken("an order")))
        await work.drain(10.0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
