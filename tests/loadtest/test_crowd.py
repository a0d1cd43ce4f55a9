import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from grpc import StatusCode, aio

from loadtest.crowd import open_crowd
from loadtest.journeys import BROWSE, Journey
from loadtest.open_loop import OpenLoop
from loadtest.outcome import Kind, Outcome
from loadtest.profiles import PROFILES
from tests.loadtest.scripted_shop import ScriptedShop, fail

RATE = 10.0
CALLS = 80


async def made(shop: ScriptedShop, journeys: Sequence[Journey], calls: int, *, seed: int = 1) -> list[Outcome]:
    """So many calls, one after the other."""
    async with open_crowd(shop.target, journeys, rate=RATE, seed=seed) as crowd:
        return [await crowd(number) for number in range(calls)]


async def test_every_arrival_is_one_call_of_somebodys_journey(shop: ScriptedShop) -> None:
    outcomes = await made(shop, [BROWSE], 4 * CALLS)
    assert shop.calls.total() == 4 * CALLS
    assert shop.calls == Counter(outcome.label for outcome in outcomes)
    assert {outcome.kind for outcome in outcomes} == {Kind.OK}
    steps = ("ListCategories", "ListProducts", "GetProduct", "RecordView")
    counts = [shop.calls[step] for step in steps]
    assert counts == sorted(counts, reverse=True), "nobody takes a step before the one before it"
    assert counts[-1] >= CALLS - RATE, "but for those who are under way, all have come to the end"


async def test_the_same_seed_means_the_same_calls(shop: ScriptedShop) -> None:
    first, again, other = [
        [outcome.label for outcome in await made(shop, PROFILES["shop"].journeys, CALLS, seed=seed)]
        for seed in (1, 1, 2)
    ]
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", PROFILES)
async def test_every_profile_is_calls_that_a_well_shop_answers_as_they_deserve(shop: ScriptedShop, name: str) -> None:
    outcomes = await made(shop, PROFILES[name].journeys, CALLS)
    assert [outcome for outcome in outcomes if outcome.failed] == []


async def test_who_answered_is_known(shop: ScriptedShop) -> None:
    [outcome] = await made(shop, [BROWSE], 1)
    assert (outcome.pod, outcome.version) == ("scripted-1", "v1")


async def test_a_visitor_whose_call_failed_goes_home(shop: ScriptedShop) -> None:
    shop.scripts["ListProducts"] = fail(StatusCode.UNAVAILABLE)
    outcomes = await made(shop, [BROWSE], CALLS)
    assert shop.calls.keys() == {"ListCategories", "ListProducts"}
    assert sum(outcome.failed for outcome in outcomes) == shop.calls["ListProducts"]


async def test_a_visitor_who_waits_holds_nobody_up(shop: ScriptedShop) -> None:
    go_on = asyncio.Event()

    async def late(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        await go_on.wait()
        return await shop.succeed("ListCategories", request, context)

    shop.scripts["ListCategories"] = late
    async with open_crowd(shop.target, [BROWSE], rate=RATE) as crowd:
        running = asyncio.create_task(OpenLoop(crowd, rate=2000).run(calls=40))
        while shop.calls["ListCategories"] < 40:
            await asyncio.sleep(0.01)
        go_on.set()
        report = await running
    assert len(report.samples) == 40
    assert report.codes == {"OK": 40}


async def test_a_stream_is_one_call_that_lasts_until_its_end(shop: ScriptedShop) -> None:
    outcomes = await made(shop, PROFILES["shop"].journeys, 4 * CALLS)
    followed = [outcome for outcome in outcomes if outcome.label == "WatchOrder"]
    assert followed
    assert {outcome.pod for outcome in followed} == {"scripted-1"}
