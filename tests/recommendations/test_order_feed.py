"""Every confirmed order is learnt from exactly once: whatever is killed, listed late, or open for long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from grpc import StatusCode
from sqlalchemy import Connection, delete, func, select

from services.hosting.clock import SystemClock, microseconds
from services.hosting.database import Database
from services.hosting.pages import Unreadable
from services.recommendations import cursor, order_feed, orders_read
from services.recommendations.cursor import HISTORY, LATE
from services.recommendations.order_feed import OrderFeed
from services.recommendations.tables import ORDERS_READ
from tests.hosting.running import FakeClock
from tests.inventory.service_process import running
from tests.recommendations.learning import learnt, weights
from tests.recommendations.order_list import CHARGED, CONFIRMED, FAILED, OrderList, listening

SECOND = 1_000_000
BASKETS = ("mug", "mug rope", "rope lamp", "mug rope lamp", "bell")


class Killed(Exception):
    """The process ends here."""


class Mortal:
    """A database whose process is killed at a random write: before its commit, or after it and before the answer."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self._database, self._chance = database, chance

    async def read(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return await self._database.read(work, *args, **kwargs)

    async def write(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        def fatal(connection: Connection) -> None:
            work(connection, *args, **kwargs)
            raise Killed

        death = self._chance.random()
        if death < 0.15:
            return await self._database.write(fatal)
        result = await self._database.write(work, *args, **kwargs)
        if death < 0.3:
            raise Killed
        return result


class Life:
    """Orders that are placed, confirmed and listed late while they are read by processes that are killed."""

    def __init__(self, database: Database, seed: int) -> None:
        self.chance, self.clock, self.orders = random.Random(seed), FakeClock(), OrderList()  # noqa: S311  # repeatable
        self._database = database

    def now(self) -> int:
        return microseconds(self.clock.now())

    def go_on(self) -> None:
        """A few seconds of the shop."""
        self.clock.advance(self.chance.uniform(0, 20))
        for _ in range(self.chance.randrange(8)):
            late = self.chance.randrange(LATE - 1) if self.chance.random() < 0.3 else 0
            state = self.chance.choice([CONFIRMED, CONFIRMED, CHARGED, FAILED])
            self.orders.place(self.chance.choice(BASKETS), self.now() - late, state)
        for order in self.orders.orders:
            if order.state == CHARGED and self.chance.random() < 0.1:
                order.state = self.chance.choice([CONFIRMED, FAILED])

    async def read(self) -> None:
        with suppress(Killed):
            await OrderFeed(Mortal(self._database, self.chance), self.orders, self.now).feed()  # type: ignore[arg-type]

    async def end(self) -> None:
        """All orders come to their end, and nobody is killed any more."""
        for order in self.orders.orders:
            order.state = CONFIRMED if order.state == CHARGED else order.state
        feed = OrderFeed(self._database, self.orders, self.now)  # type: ignore[arg-type]
        await feed.feed()  # goes on where the last one was killed
        await feed.feed()
        while await self._database.read(open_orders):
            await feed.feed()


def open_orders(connection: Connection) -> int:
    return connection.scalars(select(func.count()).where(ORDERS_READ.c.open)).one()


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_feed, "FIRST_PAGE", 2)
    monkeypatch.setattr(order_feed, "PAGE_SIZE", 3)


@pytest.mark.parametrize("seed", range(6))
async def test_whoever_is_killed_when_each_order_counts_once(database: Database, seed: int) -> None:
    life = Life(database, seed)
    for _ in range(25):
        life.go_on()
        await life.read()
    await life.end()
    assert len(life.orders.orders) > 50
    assert await database.read(learnt) == weights(life.orders.confirmed())


async def test_two_replicas_that_read_at_once_learn_once(database: Database) -> None:
    life = Life(database, 1)
    for _ in range(20):
        life.go_on()
        await asyncio.gather(life.read(), life.read())
    await life.end()
    assert await database.read(learnt) == weights(life.orders.confirmed())


def feed_of(database: Database, orders: OrderList, now: int) -> OrderFeed:
    return OrderFeed(database, orders, lambda: now)  # type: ignore[arg-type]


NOW = microseconds(FakeClock().now())


async def late(database: Database) -> tuple[Any, Any]:
    """What is learnt, and what was to be, when an order is listed after one that is younger."""
    orders = OrderList()
    orders.place("mug", NOW)
    await feed_of(database, orders, NOW).feed()
    orders.place("rope", NOW - LATE + SECOND)
    await feed_of(database, orders, NOW + SECOND).feed()
    return await database.read(learnt), weights(orders.confirmed())


async def test_an_order_that_is_listed_late_counts(database: Database) -> None:
    found, expected = await late(database)
    assert found == expected


async def test_without_looking_back_it_is_lost(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "LATE", 0)
    found, expected = await late(database)
    assert (found[0].keys(), expected[0].keys()) == ({"mug"}, {"mug", "rope"})


async def test_without_the_memory_of_what_was_read_it_counts_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_read, "_forget", lambda connection, _: connection.execute(delete(ORDERS_READ)))
    found, expected = await late(database)
    assert found[0]["mug"] == (2 * expected[0]["mug"][0], 0.0)


async def test_reading_goes_on_where_it_was_and_not_from_the_beginning(database: Database) -> None:
    orders = OrderList()
    for number in range(20):
        orders.place("mug", NOW - number * SECOND)
    position = await database.write(orders_read.position, NOW)
    feed = feed_of(database, orders, NOW)
    for _ in range(3):  # killed after its third page
        position = await feed._turn(position)
    asked = orders.asked
    await feed_of(database, orders, NOW).feed()
    assert (asked, orders.asked - asked) == (3, 4)  # 2 + 3 + 3, then 3 + 3 + 3 + 3
    assert await database.read(learnt) == weights(orders.confirmed())


async def test_a_page_token_that_no_longer_counts_begins_again_and_counts_nothing_twice(database: Database) -> None:
    orders = OrderList()
    for number in range(9):
        orders.place("mug rope", NOW - number * SECOND)
    feed = feed_of(database, orders, NOW)
    await feed._turn(await database.write(orders_read.position, NOW))
    orders.of_tokens = "v2"
    for _ in range(2):
        await feed.feed()
    assert await database.read(learnt) == weights(orders.confirmed())


async def test_an_order_from_the_future_does_not_hide_those_of_today(database: Database) -> None:
    orders = OrderList()
    orders.place("mug", NOW + 86_400 * SECOND)
    await feed_of(database, orders, NOW).feed()
    orders.place("rope", NOW + SECOND)
    await feed_of(database, orders, NOW + 2 * SECOND).feed()
    assert await database.read(learnt) == weights(orders.confirmed())


async def test_what_is_older_than_the_history_is_not_read(database: Database) -> None:
    orders = OrderList()
    orders.place("mug", NOW)
    orders.place("rope", NOW - HISTORY - 1)
    await feed_of(database, orders, NOW).feed()
    assert (await database.read(learnt))[0].keys() == {"mug"}


async def test_an_order_that_nobody_knows_any_more_is_not_asked_for_again(database: Database) -> None:
    orders = OrderList()
    orders.place("mug", NOW, CHARGED)
    await feed_of(database, orders, NOW).feed()
    orders.orders.clear()
    await feed_of(database, orders, NOW).feed()
    asked = orders.asked
    await feed_of(database, orders, NOW).feed()
    assert orders.asked == asked + 1  # the list


async def test_one_order_that_cannot_be_read_does_not_stand_before_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_feed, "OPEN_ORDERS", 1)
    orders = OrderList()
    for product in ("mug", "rope"):
        orders.place(product, NOW, CHARGED)
    await feed_of(database, orders, NOW).feed()
    for order in orders.orders:
        order.state = CONFIRMED
    stuck = await database.write(orders_read.still_open, NOW + 1, 1)  # and then its process was killed
    await feed_of(database, orders, NOW + LATE * 9).feed()
    assert stuck
    assert await database.read(open_orders) == 0


async def test_an_order_whose_end_two_replicas_hear_of_counts_once_also_after_it_is_forgotten(
    database: Database,
) -> None:
    orders = OrderList()
    order = orders.place("mug", NOW, CHARGED)
    await feed_of(database, orders, NOW).feed()
    order.state = CONFIRMED
    heard = order_feed._placed(order)  # by a replica that is slow to learn
    await feed_of(database, orders, NOW).feed()
    orders.place("bell", NOW + 2 * LATE)
    await feed_of(database, orders, NOW + 2 * LATE).feed()
    await database.write(orders_read.ended, heard)
    assert await database.read(learnt) == weights(orders.confirmed())


async def test_a_page_that_another_replica_has_dealt_with_is_dropped(database: Database) -> None:
    orders = OrderList()
    orders.place("mug", NOW)
    before = await database.write(orders_read.position, NOW)
    page = [order_feed._placed(order) for order in orders.orders]
    await feed_of(database, orders, NOW).feed()
    orders.place("bell", NOW + 2 * LATE)
    await feed_of(database, orders, NOW + 2 * LATE).feed()  # the mug's order is forgotten
    after = before.after([NOW], "", NOW)
    assert await database.write(orders_read.turn, before, after, page) != after
    assert await database.read(learnt) == weights(orders.confirmed())


async def test_old_orders_are_forgotten_unless_they_are_open(database: Database) -> None:
    orders = OrderList()
    orders.place("mug", NOW)
    orders.place("rope", NOW, CHARGED)
    await feed_of(database, orders, NOW).feed()
    orders.place("bell", NOW + 2 * LATE)
    await feed_of(database, orders, NOW + 2 * LATE).feed()
    assert await database.read(lambda connection: connection.scalar(select(func.count()).select_from(ORDERS_READ))) == 2
    assert await database.read(open_orders) == 1


async def test_orders_that_do_not_answer_are_unreadable_and_change_nothing(database: Database) -> None:
    orders = OrderList()
    orders.place("mug", NOW)
    orders.refusing = StatusCode.UNAVAILABLE
    with pytest.raises(Unreadable) as refused:
        await feed_of(database, orders, NOW).feed()
    assert refused.value.transient
    assert await database.read(learnt) == ({}, {})
    orders.refusing = None
    await feed_of(database, orders, NOW).feed()
    assert await database.read(learnt) == weights(orders.confirmed())


@pytest.mark.processes
async def test_a_process_killed_again_and_again_learns_each_order_once(database: Database, url: str) -> None:
    orders, now = OrderList(), microseconds(SystemClock().now())
    for number in range(4000):
        orders.place(BASKETS[number % len(BASKETS)], now - number * SECOND)
    async with listening(orders) as address:
        peers = {"ORDERS_SERVICE_ADDR": address, "CATALOG_SERVICE_ADDR": "127.0.0.1:9", "FEED_INTERVAL_SECONDS": "0.05"}
        for killed_after in (2, 5, 8, 0):
            asked = orders.asked
            async with running("recommendations", url, **peers) as service, asyncio.timeout(50):
                while orders.asked < asked + killed_after:
                    await asyncio.sleep(0.001)  # polling, bounded by the timeout above
                while not killed_after and await database.read(learnt) != weights(orders.confirmed()):
                    await asyncio.sleep(0.05)  # the same
                await service.kill()
    assert await database.read(learnt) == weights(orders.confirmed())
