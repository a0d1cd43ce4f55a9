"""Charges, refunds, deaths in between and late arrivals, in any order: money is taken once, and given back once.

Hypothesis plays with the real gateway and the real store on SQLite. A death between the gateway's decision and its
being written down is a step of its own, and so is what was on its way then and arrives much later.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Connection, create_engine, event, select

from services.hosting.errors import AlreadyExists, PreconditionFailed
from services.payments import ledger
from services.payments.card_gateway import CardGatewayUnavailable, MockCardGateway
from services.payments.charging import Charging
from services.payments.currencies import Amount
from services.payments.payment import Card, ChargeOrder, Outcome, State, charge_order
from services.payments.reconciliation import Reconciler
from services.payments.tables import GATEWAY, METADATA
from tests.payments.asking import DECLINED, GOOD, REPLY_LOST, UNAVAILABLE

P = ParamSpec("P")
T = TypeVar("T")

KEYS = st.sampled_from(["k1", "k2", "k3", "k4", "k5", "k6"])
CARDS = st.sampled_from([GOOD, GOOD, DECLINED, UNAVAILABLE, REPLY_LOST])
AMOUNTS = st.sampled_from([1, 2])
LATER = 60_000_000  # microseconds


class InMemory:
    """A database in memory, whose transactions happen at once."""

    def __init__(self) -> None:
        self.engine = create_engine("sqlite://")
        METADATA.create_all(self.engine)

    async def write(self, work: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.engine.begin() as connection:
            return work(connection, *args, **kwargs)

    read = write


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waited")


class Processor(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.database = InMemory()
        self.now = 1_800_000_000_000_000
        self.gateway = MockCardGateway(self.database, lambda: self.now)
        self.charging = Charging(self.database, self.gateway)
        self.decided: dict[str, State] = {}
        self.bodies: dict[str, str] = {}
        self.on_the_way: list[Outcome] = []
        self.moved: Counter[tuple[str, str]] = Counter()
        self.watch_the_money()

    def watch_the_money(self) -> None:
        """Count how often the gateway's ledger takes and gives, whatever the code under test thinks."""

        @event.listens_for(self.database.engine, "after_cursor_execute")
        def moved(_: Any, cursor: Any, statement: str, parameters: tuple[Any, ...], *__: Any) -> None:
            if cursor.rowcount == 1 and statement.startswith("INSERT INTO gateway_ledger"):
                self.moved[parameters[0], parameters[2]] += 1
            if cursor.rowcount == 1 and statement.startswith("UPDATE gateway_ledger"):
                self.moved[parameters[-3], "REFUNDED"] += 1

    def teardown(self) -> None:
        self.database.engine.dispose()

    def order(self, key: str, number: str, units: int) -> tuple[ChargeOrder, Card]:
        card = Card(number, 12, 2090, "123")
        return charge_order(key, f"order of {key}", Amount("EUR", units, 0), card), card

    def arrive(self, order: ChargeOrder, card: Card) -> None:
        if order.key not in self.decided:
            self.decided[order.key] = State.DECLINED if card.number == DECLINED else State.CHARGED
            self.bodies[order.key] = order.body

    @rule(key=KEYS, number=CARDS, units=AMOUNTS)
    def charge(self, key: str, number: str, units: int) -> None:
        order, card = self.order(key, number, units)
        is_new = key not in self.decided
        recorded = at_once(self.database.read(ledger.find, key)) is not None
        if number != UNAVAILABLE:
            self.arrive(order, card)
        try:
            payment = at_once(self.charging.charge(order, card))
        except CardGatewayUnavailable:
            assert not recorded
            assert number == UNAVAILABLE or (number == REPLY_LOST and is_new)
        except AlreadyExists:
            assert order.body != self.bodies[key]
        except PreconditionFailed:
            assert self.decided[key] is not State.CHARGED
        else:
            assert (payment.outcome.key, payment.outcome.body) == (key, self.bodies[key])
            assert self.moved[key, "CHARGED"] == 1

    @rule(key=KEYS, number=st.sampled_from([GOOD, DECLINED]), units=AMOUNTS)
    def charge_and_die_before_writing_it_down(self, key: str, number: str, units: int) -> None:
        order, card = self.order(key, number, units)
        self.arrive(order, card)
        self.on_the_way.append(at_once(self.gateway.charge(order, card)))

    def undo(self, key: str) -> None:
        undone = {None: State.VOIDED, State.CHARGED: State.REFUNDED}
        self.decided[key] = undone.get(self.decided.get(key), self.decided.get(key, State.VOIDED))

    @rule(key=KEYS)
    def refund(self, key: str) -> None:
        self.undo(key)
        payment = at_once(self.charging.refund(key, f"order of {key}"))
        assert payment.outcome.state is self.decided[key]
        assert self.moved[key, "CHARGED"] == self.moved[key, "REFUNDED"]

    @rule(key=KEYS)
    def refund_and_die_before_writing_it_down(self, key: str) -> None:
        self.undo(key)
        self.on_the_way.append(at_once(self.gateway.refund(key, f"order of {key}")))

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def something_on_its_way_arrives(self, data: st.DataObject) -> None:
        late = self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1)))
        at_once(self.database.write(ledger.record, late))

    @rule()
    def reconcile_after_a_restart(self) -> None:
        self.now += LATER
        reconciler = Reconciler(self.database, self.gateway, lambda: self.now, logging.getLogger("test"))
        at_once(reconciler.reconcile())
        books = {payment.outcome.key: payment.outcome.state for payment in self.books()}
        assert books == self.decided
        assert at_once(reconciler.reconcile()) == 0

    def books(self) -> list[Any]:
        return at_once(self.database.read(ledger.page, "", 100))

    @invariant()
    def the_gateway_decided_what_the_first_to_arrive_asked_for(self) -> None:
        with self.database.engine.connect() as connection:
            rows = connection.execute(select(GATEWAY.c.idempotency_key, GATEWAY.c.state)).all()
        assert {key: State(state) for key, state in rows} == self.decided

    @invariant()
    def money_is_taken_once_and_given_back_at_most_once(self) -> None:
        assert set(self.moved.values()) <= {1}

    @invariant()
    def payments_never_claims_more_than_the_gateway_did(self) -> None:
        for payment in self.books():
            outcome = payment.outcome
            behind = (outcome.state, self.decided[outcome.key]) == (State.CHARGED, State.REFUNDED)
            assert outcome.state is self.decided[outcome.key] or behind


TestProcessor = Processor.TestCase
TestProcessor.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
