"""Whatever is asked in whatever order, received = available + reserved + committed, and nothing is sold twice.

Hypothesis plays shop with the real store on SQLite, beside a model that only remembers the reservations.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlalchemy import Connection, create_engine, update
from sqlalchemy.exc import IntegrityError

from services.hosting.errors import NotFound, PreconditionFailed
from services.inventory import books
from services.inventory.books import BooksBroken, Stock
from services.inventory.reservations import Line, Reservation, State, committed, lapsed
from services.inventory.tables import METADATA, RESERVATIONS, STOCK

PRODUCTS = ("cup", "mug", "tea")
LINES = st.lists(
    st.builds(Line, st.sampled_from(PRODUCTS), st.integers(1, 3)),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.product_id,
).map(tuple)


def fresh() -> Connection:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    return engine.connect()


class Shop(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.numbers = count()
        self.received: dict[str, int] = {}
        self.seen: dict[str, Reservation] = {}
        self.connection = fresh()
        self.engine = self.connection.engine

    def teardown(self) -> None:
        self.connection.close()
        self.engine.dispose()

    def pieces(self, product: str, *states: State) -> int:
        return sum(
            line.quantity
            for reservation in self.seen.values()
            if reservation.state in states
            for line in reservation.lines
            if line.product_id == product
        )

    def free(self, product: str) -> int:
        return self.received.get(product, 0) - self.pieces(product, State.HELD, State.COMMITTED)

    @initialize()
    def open_the_shop(self) -> None:
        self.restock("opening", (Line("cup", 5), Line("mug", 9)))  # no tea yet

    @rule(key=st.uuids().map(str), lines=LINES)
    def restock(self, key: str, lines: tuple[Line, ...]) -> None:
        for _ in range(2):  # the second time changes nothing
            with self.connection.begin():
                books.restock(self.connection, key, lines)
        for line in lines:
            self.received[line.product_id] = self.received.get(line.product_id, 0) + line.quantity

    @rule(target=ids, lines=LINES, hold=st.integers(1, 20))
    def reserve(self, lines: tuple[Line, ...], hold: int) -> MultipleResults[str]:
        key = f"r{next(self.numbers)}"
        wanted = Reservation(key, f"order of {key}", lines, State.HELD, self.now + hold)
        short = next((line for line in sorted(lines) if line.quantity > self.free(line.product_id)), None)
        if short:
            refusal = PreconditionFailed if short.product_id in self.received else NotFound
            with pytest.raises(refusal) as refused, self.connection.begin():
                books.reserve(self.connection, wanted, self.now)
            assert refused.value.violations[0].field == f"lines[{lines.index(short)}].product_id"
            return multiple()
        with self.connection.begin():
            assert books.reserve(self.connection, wanted, self.now) == wanted
        self.seen[key] = wanted
        return multiple(key)

    @rule(key=ids, lines=LINES)
    def reserve_again(self, key: str, lines: tuple[Line, ...]) -> None:
        with self.connection.begin():
            answer = books.reserve(self.connection, Reservation(key, "any", lines, State.HELD, 0), self.now)
        self.seen[key] = lapsed(self.seen[key], self.now)
        assert answer == self.seen[key]

    @rule(key=ids)
    def commit(self, key: str) -> None:
        with self.connection.begin():
            answer = books.change(self.connection, key, partial(committed, now=self.now))
        self.seen[key] = lapsed(self.seen[key], self.now)
        if self.seen[key].state is State.HELD:
            self.seen[key] = replace(self.seen[key], state=State.COMMITTED)
        assert answer == self.seen[key]

    @rule(key=ids)
    def release(self, key: str) -> None:
        with self.connection.begin():
            answer = books.release(self.connection, key, self.now)
        self.seen[key] = lapsed(self.seen[key], self.now)
        if self.seen[key].state in {State.HELD, State.COMMITTED}:
            self.seen[key] = replace(self.seen[key], state=State.RELEASED)
        assert answer == self.seen[key]

    @rule(target=ids)
    def release_what_has_not_arrived(self) -> str:
        key = f"r{next(self.numbers)}"
        with self.connection.begin():
            self.seen[key] = books.release(self.connection, key, self.now)
        assert self.seen[key] == Reservation(key, "", (), State.RELEASED, 0)
        return key

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        with self.connection.begin():
            for key in books.due(self.connection, self.now, 100):
                books.change(self.connection, key, partial(lapsed, now=self.now))
        self.seen = {key: lapsed(reservation, self.now) for key, reservation in self.seen.items()}

    @invariant()
    def books_are_what_the_reservations_say(self) -> None:
        with self.connection.begin():
            stock = books.page_of_stock(self.connection, "", 100)
        assert stock == [
            Stock(
                product,
                self.received[product],
                self.free(product),
                self.pieces(product, State.HELD),
                self.pieces(product, State.COMMITTED),
            )
            for product in sorted(self.received)
        ]

    @invariant()
    def nothing_is_sold_twice(self) -> None:
        assert all(self.free(product) >= 0 for product in PRODUCTS)


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize(
    "wrong", [{"available": 11}, {"available": -1, "reserved": 11}, {"received": 9}, {"committed": 1}, {"reserved": 1}]
)
def test_the_database_itself_refuses_books_that_do_not_balance(wrong: dict[str, int]) -> None:
    connection = fresh()
    with connection.begin():
        books.add_product(connection, "mug", 10)
    with pytest.raises(IntegrityError, match="CHECK constraint failed: stock_"), connection.begin():
        connection.execute(update(STOCK).values(**wrong))
    connection.close()
    connection.engine.dispose()


def test_a_reservation_whose_pieces_somebody_took_is_an_error_and_not_out_of_stock() -> None:
    connection = fresh()
    held = Reservation("r", "o", (Line("mug", 2),), State.HELD, expires_at=10)
    with connection.begin():
        books.add_product(connection, "mug", 2)
        books.reserve(connection, held, 0)
        connection.execute(update(STOCK).values(available=2, reserved=0))
    with pytest.raises(BooksBroken, match="reservation r "), connection.begin():
        books.change(connection, "r", partial(committed, now=5))
    assert connection.execute(RESERVATIONS.select()).one().state == "HELD"
    connection.close()
    connection.engine.dispose()
