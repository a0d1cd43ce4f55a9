"""A crowd is a process of its own: it comes, orders, asks again, and goes when it is told to or its starter dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest
from grpc import StatusCode

from loadtest.shopper import open_shopper
from mesh.chaos.experiment import Change
from mesh.chaos.faults.known import made
from mesh.chaos.faults.load.crowd import capacity_of
from mesh.chaos.faults.load.crowd_process import end, members, start
from mesh.chaos.faults.load.crowds import Overload, RetryStorm
from mesh.chaos.problems import NotInjected
from mesh.local.process_identity import ProcessId
from mesh.running_shop import CHECKOUT
from tests.loadtest.scripted_shop import ScriptedShop, fail, open_shop

NOBODY = "127.0.0.1:1"
STARTER = """
import asyncio, sys
from mesh.chaos.faults.load.crowd_process import start
async def main():
    await start(sys.argv[1], sys.argv[2], ["--rate=5"])
    print("there", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def crowd(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"test-{id(request)}-overload"
    yield name
    end(name)


async def ordered(shop: ScriptedShop, calls: int) -> None:
    async with asyncio.timeout(30):
        while shop.calls["PlaceOrder"] < calls:
            await asyncio.sleep(0.05)


@pytest.mark.processes
async def test_a_crowd_comes_and_goes(crowd: str) -> None:
    async with open_shop() as shop:
        await start(shop.target, crowd, ["--rate=50"])
        assert len(members(crowd)) == 1
        await ordered(shop, 10)
        assert members("another-run-overload") == []
        await asyncio.to_thread(end, crowd)
        assert members(crowd) == []
        await asyncio.to_thread(end, crowd)  # again: nothing


@pytest.mark.processes
async def test_a_crowd_asks_again_as_often_as_it_is_told(crowd: str) -> None:
    async with open_shop() as shop:
        shop.scripts["PlaceOrder"] = fail(StatusCode.UNAVAILABLE)
        await start(shop.target, crowd, ["--rate=1", "--presses=6", "--pause=0.001"])
        await ordered(shop, 6)


@pytest.mark.processes
async def test_a_crowd_that_nobody_lets_in_is_no_fault(crowd: str) -> None:
    with pytest.raises(NotInjected, match="went home at once"):
        await start(NOBODY, crowd, ["--rate=1"])


@pytest.mark.processes
async def test_a_crowd_ends_with_whoever_started_it(crowd: str) -> None:
    async with open_shop() as shop:
        starter = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", STARTER, shop.target, crowd), stdout=asyncio.subprocess.PIPE, cwd=CHECKOUT
        )
        assert starter.stdout
        assert await starter.stdout.readline() == b"there\n"
        (one,) = members(crowd)
        starter.kill()
        await starter.wait()
        await gone(one)


async def gone(process: ProcessId) -> None:
    async with asyncio.timeout(30):
        await asyncio.to_thread(process.wait)


async def test_capacity_is_what_is_confirmed_and_not_what_is_asked() -> None:
    async with open_shop() as shop, open_shopper(shop.target) as shopper:
        able = await capacity_of(shopper, 1.0, seconds=0.2)
        shop.scripts["PlaceOrder"] = fail(StatusCode.RESOURCE_EXHAUSTED)
        unable = await capacity_of(shopper, 1.0, seconds=0.2)
    assert able > 10 * unable


def test_the_files_arguments_reach_the_crowd() -> None:
    overload = made(Change(fault="overload", arguments={"factor": 2}))
    storm = made(Change(fault="retry-storm", arguments={"rate": 4, "presses": 3}))
    assert isinstance(overload, Overload)
    assert isinstance(storm, RetryStorm)
    assert "--factor=2.0" in overload.arguments()
    assert {"--rate=4.0", "--presses=3"} <= set(storm.arguments())
