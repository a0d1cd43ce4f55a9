from __future__ import annotations

import asyncio

import pytest

from mesh.chaos.run.stopping import Stop, Stopped


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_is_waited_for_is_cut_short_with_the_reason() -> None:
    stop = Stop()
    asyncio.get_running_loop().call_soon(stop.now, "Ctrl-C")
    with pytest.raises(Stopped, match="Ctrl-C"):
        await stop.unless(forever)


async def test_nothing_is_begun_afterwards() -> None:
    stop, begun = Stop(), asyncio.Event()
    stop.now("Ctrl-C")

    async def begin() -> None:
        begun.set()

    with pytest.raises(Stopped):
        await stop.unless(begin)
    assert not begun.is_set()


async def test_the_first_reason_counts() -> None:
    stop = Stop()
    stop.now("the budget is spent")
    stop.now("Ctrl-C")
    assert stop.why == "the budget is spent"


async def test_a_timeout_of_the_work_itself_is_not_taken_for_a_stop() -> None:
    async def late() -> None:
        raise TimeoutError("the API server")

    with pytest.raises(TimeoutError, match="the API server"):
        await Stop().unless(late)


async def test_what_ends_by_itself_is_not_stopped() -> None:
    stop = Stop()
    await stop.unless(lambda: asyncio.sleep(0))
    stop.now("Ctrl-C")  # nothing is waited for: nothing to cut
