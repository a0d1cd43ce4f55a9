import asyncio
from collections.abc import Awaitable, Callable
from itertools import takewhile

import pytest
from grpc import StatusCode

from loadtest.arrivals import poisson
from loadtest.open_loop import OpenLoop
from loadtest.outcome import Kind, Outcome
from loadtest.report import Report, Sample
from tests.loadtest.fake_clock import FakeClock

OK = Outcome(StatusCode.OK, Kind.OK)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def answering_after(clock: FakeClock, seconds: float) -> Callable[[int], Awaitable[Outcome]]:
    async def call(_number: int) -> Outcome:
        await clock.sleep(seconds)
        return OK

    return call


def stalling(clock: FakeClock, start: float, end: float) -> Callable[[int], Awaitable[Outcome]]:
    """A server that answers within a millisecond, except that it stands still for a while."""

    async def call(_number: int) -> Outcome:
        if start <= clock.now() < end:
            await clock.sleep(end - clock.now())
        await clock.sleep(0.001)
        return OK

    return call


async def test_calls_are_sent_on_schedule_whatever_became_of_earlier_ones(clock: FakeClock) -> None:
    report = await clock.run(OpenLoop(answering_after(clock, 30.0), rate=10, clock=clock).run(calls=20))
    assert [sample.started for sample in report.samples] == pytest.approx([number / 10 for number in range(20)])
    assert {round(sample.latency, 6) for sample in report.samples} == {30.0}


async def test_a_run_lasts_as_many_calls_as_fit_into_its_duration(clock: FakeClock) -> None:
    report = await clock.run(OpenLoop(answering_after(clock, 0.01), rate=40, clock=clock).run(duration=2.0))
    assert len(report.samples) == 80
    assert report.achieved_rate == pytest.approx(40, rel=0.01)
    assert not report.saturated


async def closed_loop(clock: FakeClock, call: Callable[[int], Awaitable[Outcome]], seconds: float) -> list[float]:
    """Ten users who wait for their answer before they ask again, ten times a second: as Locust does."""
    latencies: list[float] = []

    async def user() -> None:
        while clock.now() < seconds:
            begin = clock.now()
            await call(0)
            latencies.append(clock.now() - begin)
            await clock.sleep(0.1 - latencies[-1])

    async with asyncio.TaskGroup() as users:
        for _ in range(10):
            users.create_task(user())
    return sorted(latencies)


async def test_the_open_loop_reports_a_stall_that_a_closed_loop_hides(clock: FakeClock) -> None:
    report = await clock.run(OpenLoop(stalling(clock, 5, 8), rate=100, clock=clock).run(duration=20.0))
    assert report.quantile(0.99) > 2.5

    other = FakeClock()
    latencies = await other.run(closed_loop(other, stalling(other, 5, 8), 20.0))
    assert latencies[-1] > 2.5
    assert latencies[int(0.99 * len(latencies))] < 0.01


async def test_latency_counts_from_when_a_call_was_due_even_if_the_generator_was_late(clock: FakeClock) -> None:
    async def call(number: int) -> Outcome:
        if number == 9:
            clock.freeze(2.0)
        return OK

    report = await clock.run(OpenLoop(call, rate=10, clock=clock).run(calls=100))
    assert report.samples[10].latency == pytest.approx(1.9)
    assert report.lateness(0.99) > 1.0
    assert report.saturated


async def test_calls_beyond_the_limit_in_flight_are_dropped_and_counted(clock: FakeClock) -> None:
    load = OpenLoop(answering_after(clock, 1.0), rate=10, max_in_flight=4, clock=clock)
    report = await clock.run(load.run(duration=3.0))
    assert len(report.samples) + len(report.dropped) == 30
    assert len(report.dropped) == 18
    assert report.saturated


async def test_a_generator_that_is_hopelessly_behind_drops_calls_and_ends_with_its_schedule(clock: FakeClock) -> None:
    async def call(_number: int) -> Outcome:
        clock.freeze(1.0)  # ten times the time there is for each
        return OK

    report = await clock.run(OpenLoop(call, rate=10, clock=clock).run(duration=30.0))
    assert len(report.samples) + len(report.dropped) == 300
    assert len(report.dropped) > 200
    assert clock.now() < 60
    assert report.saturated


async def test_calls_come_by_chance_when_they_are_told_to(clock: FakeClock) -> None:
    load = OpenLoop(answering_after(clock, 0.01), rate=50, arrivals=poisson(50, seed=3), clock=clock)
    report = await clock.run(load.run(duration=10.0))
    moments = list(takewhile(lambda moment: moment < 10, poisson(50, seed=3)()))
    assert [sample.scheduled for sample in report.samples] == pytest.approx(moments)
    assert not report.saturated, "it sent what was due, however many that were by chance"


async def test_samples_that_are_kept_elsewhere_take_no_memory_here(clock: FakeClock) -> None:
    kept: list[Sample] = []
    load = OpenLoop(answering_after(clock, 0.01), rate=10, clock=clock, keep=kept.append)
    report = await clock.run(load.run(calls=20))
    assert (len(kept), len(report.samples), load.punctuality.due) == (20, 0, 20)


async def test_stop_ends_the_schedule_and_waits_for_the_calls_in_flight(clock: FakeClock) -> None:
    load = OpenLoop(answering_after(clock, 5.0), rate=10, clock=clock)

    async def stop_after_two_seconds() -> Report:
        running = asyncio.create_task(load.run())
        await clock.sleep(2.05)
        load.stop()
        return await running

    report = await clock.run(stop_after_two_seconds())
    assert len(report.samples) == 21
    assert report.samples[-1].ended == pytest.approx(7.0)


async def test_what_has_ended_can_be_seen_while_the_run_goes_on(clock: FakeClock) -> None:
    load = OpenLoop(answering_after(clock, 0.5), rate=10, clock=clock)

    async def look_early() -> int:
        running = asyncio.create_task(load.run(calls=10))
        await clock.sleep(0.75)
        seen = len(load.report().samples)
        await running
        return seen

    assert await clock.run(look_early()) == 3


async def test_an_error_out_of_a_call_ends_the_run_instead_of_being_counted(clock: FakeClock) -> None:
    async def broken(_number: int) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        await clock.run(OpenLoop(broken, rate=10, clock=clock).run(calls=5))
    assert raised.group_contains(ZeroDivisionError)


@pytest.mark.parametrize(("rate", "limit"), [(0, 1), (-1, 1), (1, 0)])
def test_a_schedule_that_can_never_send_is_refused(rate: float, limit: int, clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="positive"):
        OpenLoop(answering_after(clock, 1), rate=rate, max_in_flight=limit, clock=clock)


async def test_the_machines_clock_works_too() -> None:
    async def call(_number: int) -> Outcome:
        return OK

    report = await OpenLoop(call, rate=1000).run(calls=20)
    assert report.codes == {"OK": 20}
