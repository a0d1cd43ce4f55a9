"""How is an order cancelled, whoever is at work on it?

The order is taken away from whoever places it, by the version that turns it back: that version is the customer's wish,
and no crash loses it. Whoever was at work finds its own version gone at its next step, and stops. What that step does
meanwhile is undone under its key (saga.py), as if a crash had come between, so nobody has to be waited for.
"""

from __future__ import annotations

from contextlib import suppress

from services.hosting.errors import PreconditionFailed
from services.orders.book import Book
from services.orders.driving import Driver
from services.orders.failures import pending
from services.orders.order import Order
from services.orders.saga import State, cancelled, given_up
from services.orders.store import Overtaken
from services.orders.watching import Changes, changed_or_time


class Cancelling:
    """Cancels orders. Raises ShopErrors, as the contract of CancelOrder says."""

    def __init__(self, book: Book, driver: Driver, changes: Changes) -> None:
        self._book, self._driver, self._changes = book, driver, changes

    async def cancel(self, order: Order) -> Order:
        """The order, CANCELLED, by this call or by another that has begun to."""
        with self._changes.of(order.order_id) as changed:
            while order.progress.state is not State.CANCELLED:
                changed.clear()
                if order.progress.reason:
                    raise _failed(order)
                if given_up(order.progress) and not order.free(self._book.now()):
                    await changed_or_time(changed)
                else:
                    with suppress(Overtaken):
                        return await self._give_back(order)
                order = await self._book.require(order.order_id)
        return order

    async def _give_back(self, order: Order) -> Order:
        order = await self._book.take(order, cancelled(order.progress), "cancel")
        order = await self._driver.finish(order)
        if order.progress.state is not State.CANCELLED:
            raise pending(order)
        return order


def _failed(order: Order) -> PreconditionFailed:
    return PreconditionFailed(
        "ORDER_FAILED",
        "There is nothing to cancel: the order has not come about, and you pay nothing.",
        metadata={"order_id": order.order_id, "failure_reason": order.progress.reason},
    )
