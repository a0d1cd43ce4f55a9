"""A request's waits for other services are added up, wherever they happen, and counted once."""

from __future__ import annotations

import asyncio

import pytest
from grpc import StatusCode

from mesh.resilience import waiting
from mesh.resilience.events import AttemptEnded, CallEnded
from tests.resilience.fake_time import FakeTime


def ended(seconds: float) -> CallEnded:
    return CallEnded("payments", "/a.B/C", StatusCode.OK, 1, seconds, 5.0)


async def test_calls_one_after_another_add_up() -> None:
    time = FakeTime()
    heard, waited = waiting.WaitListener(time), waiting.begin()
    for seconds in (1.0, 2.0):
        time.pass_by(seconds + 0.5)
        heard(ended(seconds))
    assert waited.seconds == 3.0


async def test_calls_side_by_side_count_once() -> None:
    time = FakeTime()
    heard, waited = waiting.WaitListener(time), waiting.begin()
    time.pass_by(1.0)
    heard(ended(1.0))
    time.pass_by(1.0)
    heard(ended(2.0))  # began with the first
    assert waited.seconds == 2.0


async def test_an_attempt_is_part_of_its_call() -> None:
    heard, waited = waiting.WaitListener(FakeTime()), waiting.begin()
    heard(AttemptEnded("payments", "/a.B/C", StatusCode.OK, local=False, seconds=1.0))
    assert waited.seconds == 0.0


async def test_what_tasks_of_a_request_wait_for_is_counted_and_what_others_do_is_not() -> None:
    time = FakeTime()
    heard = waiting.WaitListener(time)

    async def wait(seconds: float) -> None:
        time.pass_by(seconds)
        heard(ended(seconds))

    async def request(seconds: float) -> float:
        waited = waiting.begin()
        await asyncio.create_task(wait(seconds))
        return waited.seconds

    assert [await asyncio.create_task(request(seconds)) for seconds in (1.0, 3.0)] == pytest.approx([1.0, 3.0])


async def test_where_nobody_counts_nothing_happens() -> None:
    await asyncio.create_task(_heard_elsewhere())


async def _heard_elsewhere() -> None:
    waiting.WaitListener(FakeTime())(ended(1.0))


def test_a_wait_in_the_first_second_of_the_clock_counts() -> None:
    waited = waiting.Waited()
    waited.add(0.25, 0.75)
    assert waited.seconds == 0.5
