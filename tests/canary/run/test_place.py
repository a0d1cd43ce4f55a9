"""Does a bell wake a run up, once?"""

from __future__ import annotations

import asyncio

from mesh.canary.journal.state import Wish, Wished
from mesh.canary.run.place import Bell

PAUSE = Wished(Wish.PAUSE, "anna@laptop pid 1", "Ctrl-C")
LONG = 600.0


async def test_who_waits_wakes_up_when_somebody_rings() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(LONG))
    await asyncio.sleep(0)
    bell.ring(PAUSE)
    await waiting
    assert bell.wish == PAUSE


async def test_a_ring_that_nobody_waited_for_is_not_lost() -> None:
    bell = Bell()
    bell.ring(PAUSE)
    await bell.wait(LONG)
    assert bell.wish == PAUSE


def test_a_wish_is_there_until_it_is_journaled() -> None:
    bell = Bell()
    bell.ring(PAUSE)
    assert bell.wish == bell.wish == PAUSE
    bell.journaled()
    assert bell.wish is None


async def test_one_ring_wakes_once_even_when_it_cannot_be_answered_yet() -> None:
    """Negative control: without it a run whose API server is away would look again without a pause."""
    bell = Bell()
    bell.ring(PAUSE)
    await bell.wait(LONG)
    again = asyncio.create_task(bell.wait(LONG))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
