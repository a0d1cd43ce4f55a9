"""On a server that many pods write to at once, a reservation's row is locked from its reading to its writing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import bindparam, select

from services.hosting.database import Database
from services.inventory import books
from services.inventory.reservations import Line, Reservation, State, released
from services.inventory.tables import RESERVATIONS
from tests.hosting.databases import Databases, Servers
from tests.inventory.asking import new_id
from tests.inventory.balance import imbalances

pytestmark = pytest.mark.processes

NOT_LOCKED = select(RESERVATIONS).where(RESERVATIONS.c.reservation_id == bindparam("key"))


@pytest.fixture
def databases(servers: Servers) -> Databases:
    """Only a server lets two write at the same time."""
    return servers


async def released_by_two(database: Database, meeting: Callable[[], object]) -> None:
    """Release one of two equal reservations twice at once. Each release, once it has read the row, has a `meeting`."""
    one, other = (Reservation(new_id(), new_id(), (Line("mug", 2),), State.HELD, 10**15) for _ in range(2))
    await database.write(books.add_product, "mug", 9)
    for reservation in (one, other):
        await database.write(books.reserve, reservation, 0)

    def decide(reservation: Reservation) -> Reservation:
        meeting()
        return released(reservation, now=0)

    await asyncio.gather(*(database.write(books.change, one.reservation_id, decide) for _ in range(2)))


async def test_pieces_that_two_give_back_at_once_are_given_back_once(database: Database, url: str) -> None:
    barrier = threading.Barrier(2)

    def meeting() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(0.2)  # in vain: the other waits for the row

    await released_by_two(database, meeting)
    assert barrier.broken
    assert imbalances(url) == []


async def test_without_the_lock_they_are_given_back_twice(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "_RESERVATION", NOT_LOCKED)
    await released_by_two(database, threading.Barrier(2, timeout=30).wait)
    assert [sentence.split(":")[0] for sentence in imbalances(url)] == ["mug"]
