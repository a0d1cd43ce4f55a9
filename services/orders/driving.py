"""Who takes an order from step to step? Whoever holds it: a call, a cancellation, or recovery."""

from __future__ import annotations

import asyncio
import logging

from services.hosting import logs
from services.orders.book import Book
from services.orders.order import Order
from services.orders.saga import FORWARD, State, after
from services.orders.steps import Card, Steps
from services.orders.telemetry import SagaMetrics
from services.orders.work import Work

ALL = frozenset(State)


class Driver:
    """Drives orders that this process has taken. What it begins does not end with the caller's patience."""

    def __init__(self, book: Book, steps: Steps, work: Work, metrics: SagaMetrics, logger: logging.Logger) -> None:
        self._book, self._steps, self._work = book, steps, work
        self._metrics, self._write_end = metrics, logs.writer(logger, "order ended")

    async def decide(self, order: Order, card: Card) -> Order:
        """Go forward until the order is CONFIRMED, has turned back, or has to wait for a service.

        An order that has turned back is compensated in the background. Raises store.Overtaken.
        """
        return await asyncio.shield(self._work.begin(self._decide(order, card)))

    async def finish(self, order: Order) -> Order:
        """Go on until the order is final or has to wait for a service. Raises store.Overtaken."""
        return await asyncio.shield(self._work.begin(self._drive(order, None, within=ALL)))

    async def _decide(self, order: Order, card: Card) -> Order:
        order = await self._drive(order, card, within=FORWARD)
        if order.progress.state is State.COMPENSATING:
            self._work.begin(self._drive(order, None, within=ALL))
        return order

    async def _drive(self, order: Order, card: Card | None, *, within: frozenset[State]) -> Order:
        while (step := order.progress.next_step) and order.progress.state in within:
            outcome = await self._steps.perform(step, order, card)
            self._metrics.step(step, outcome.result)
            event = f"{step.value} {outcome.result.value}"
            progress = after(order.progress, step, outcome)
            if progress == order.progress:
                return await self._book.leave(order, event)
            order = await self._book.advance(order, progress, event)
        if order.progress.next_step is None:
            self._tell_end(order)
        return order

    def _tell_end(self, order: Order) -> None:
        state, reason = order.progress.state.value, order.progress.reason
        self._metrics.ended(state, reason)
        self._write_end({"order_id": order.order_id, "state": state, "reason": reason})
