import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from grpc import StatusCode

from loadtest.histogram import Histogram
from loadtest.open_loop import OpenLoop
from loadtest.outcome import Kind, Outcome
from loadtest.punctuality import Punctuality, lag_watched
from tests.loadtest.fake_clock import FakeClock

OK = Outcome(StatusCode.OK, Kind.OK)


async def after_a_run(
    clock: FakeClock, *, frozen: float = 0.0, in_flight: int = 512, answer: float = 0.01
) -> Punctuality:
    """100 calls, ten a second; at the fiftieth nobody can run for a while."""

    async def call(number: int) -> Outcome:
        if number == 50:
            clock.freeze(frozen)
        await clock.sleep(answer)
        return OK

    load = OpenLoop(call, rate=10, max_in_flight=in_flight, clock=clock)
    await clock.run(load.run(calls=100))
    return load.punctuality


async def test_a_generator_that_keeps_its_schedule_is_not_bound() -> None:
    punctuality = await after_a_run(FakeClock())
    assert (punctuality.due, punctuality.dropped, punctuality.achieved) == (100, 0, 1.0)
    assert list(punctuality.bound()) == []


async def test_a_generator_that_stood_still_says_so_though_it_caught_up() -> None:
    punctuality = await after_a_run(FakeClock(), frozen=2.0)
    assert punctuality.achieved == pytest.approx(1.0)
    [why] = punctuality.bound()
    assert why.startswith("calls were sent 1800 ms late")


async def test_a_generator_that_never_caught_up_has_not_sent_the_rate() -> None:
    punctuality = await after_a_run(FakeClock(), frozen=20.0)
    assert punctuality.achieved < 0.6
    assert any("of the rate asked for" in why for why in punctuality.bound())


async def test_calls_that_were_never_sent_count_against_the_rate() -> None:
    punctuality = await after_a_run(FakeClock(), in_flight=5, answer=1.0)
    assert punctuality.dropped > 40
    assert any("never sent" in why for why in punctuality.bound())


async def test_the_event_loops_own_lag_is_seen_also_between_calls() -> None:
    clock, lag = FakeClock(), Histogram()

    async def stand_still() -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(lag_watched(lag, clock))
            await clock.sleep(0.5)
            clock.freeze(0.3)
            await clock.sleep(0.5)

    await clock.run(stand_still())
    assert lag.longest == pytest.approx(0.3, abs=0.02)
    assert not list(Punctuality(lag=lag).bound()), "one look of a hundred is no p99"
    lag.record(0.3)
    lag.record(0.3)
    assert "its event loop ran" in next(iter(Punctuality(lag=lag).bound()))


async def test_what_several_generators_saw_adds_up_and_travels_as_json() -> None:
    total = Punctuality.from_json(json.loads(json.dumps((await after_a_run(FakeClock())).to_json())))
    total.add(await after_a_run(FakeClock(), in_flight=5, answer=1.0))
    assert total.due == 200
    assert total.dropped > 40
    assert total.lateness.count == 200 - total.dropped


def test_who_was_due_to_send_nothing_has_achieved_nothing() -> None:
    assert Punctuality().achieved == 0.0
    assert list(Punctuality().bound()) == []


async def test_watching_the_lag_ends_with_the_block() -> None:
    async with lag_watched(Histogram(), FakeClock()):
        before = len(asyncio.all_tasks())
    assert len(asyncio.all_tasks()) == before - 1
