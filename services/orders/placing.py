"""How is an order placed, once for each key, and cancelled?"""

from __future__ import annotations

from shop.orders.v1 import orders_pb2

from services.hosting.errors import Aborted, AlreadyExists, NotFound, Overloaded, PreconditionFailed, ShopError
from services.orders.book import Book
from services.orders.driving import Driver
from services.orders.failures import failure, pending
from services.orders.order import Order
from services.orders.prices import Prices
from services.orders.saga import FORWARD, Progress, State, cancelled, resumed
from services.orders.steps import DEPENDENCY
from services.orders.store import Overtaken
from services.orders.work import Work


class Placing:
    """Places and cancels orders. Raises ShopErrors, as the contract of each RPC says."""

    def __init__(self, book: Book, prices: Prices, driver: Driver, work: Work) -> None:
        self._book, self._prices, self._driver, self._work = book, prices, driver, work

    async def place(self, request: orders_pb2.PlaceOrderRequest) -> Order:
        """The order, CONFIRMED; or, if it was cancelled since it was, CANCELLED or about to be."""
        key = request.idempotency_key.lower()  # a UUID in capitals is the same UUID
        known = await self._book.by_key(key)
        if known is None:
            lines = await self._prices.of(request.lines, request.currency_code)
            if not self._work.room:
                raise Overloaded("TOO_MANY_ORDERS", "as many orders as this server can place are being placed")
            order = await self._book.place(
                idempotency_key=key, customer_id=request.customer_id, currency=request.currency_code, lines=lines
            )
            if order is not None:
                return await self._decide(order, request)
            known = await self._book.by_key(key)
        if known is None or not _same_body(known, request):
            raise AlreadyExists(
                "IDEMPOTENCY_KEY_REUSED", "this key was used for another order", field="idempotency_key"
            )
        return await self._again(known, request)

    async def cancel(self, order_id: str) -> Order:
        """The order, CANCELLED."""
        order = await self.get(order_id)
        state, reason = order.progress.state, order.progress.reason
        if state is State.CANCELLED:
            return order
        if state is State.CONFIRMED:
            order = await self._take(order, cancelled(order.progress), "cancel")
        elif state is State.COMPENSATING and not reason:
            order = await self._take_if_free(order, order.progress, "cancel again")
        else:
            raise PreconditionFailed(
                "ORDER_NOT_CONFIRMED", f"the order is {state.value}, not CONFIRMED", metadata={"state": state.value}
            )
        order = await self._finish(order)
        if order.progress.state is not State.CANCELLED:
            raise _waiting(order)
        return order

    async def get(self, order_id: str) -> Order:
        """The order with this id. Raises NotFound."""
        order = await self._book.get(order_id.lower())
        if order is None:
            raise NotFound("ORDER_NOT_FOUND", "there is no order with this id", field="order_id")
        return order

    async def _again(self, order: Order, request: orders_pb2.PlaceOrderRequest) -> Order:
        """The answer to a second call for the same order, which may be the one that finishes it."""
        if order.progress.reason:
            raise failure(order)
        if order.progress.state not in FORWARD:
            return order
        order = await self._take_if_free(order, resumed(order.progress), "resume")
        return await self._decide(order, request)

    async def _decide(self, order: Order, request: orders_pb2.PlaceOrderRequest) -> Order:
        try:
            order = await self._driver.decide(order, request.card)
        except Overtaken:
            raise _in_progress(order) from None
        if order.progress.reason:
            raise failure(order)
        if order.progress.state is not State.CONFIRMED:
            raise _waiting(order)
        return order

    async def _finish(self, order: Order) -> Order:
        try:
            return await self._driver.finish(order)
        except Overtaken:
            raise _in_progress(order) from None

    async def _take_if_free(self, order: Order, progress: Progress, event: str) -> Order:
        if not order.free(self._book.now()):
            raise _in_progress(order)
        return await self._take(order, progress, event)

    async def _take(self, order: Order, progress: Progress, event: str) -> Order:
        try:
            return await self._book.take(order, progress, event)
        except Overtaken:
            raise _in_progress(order) from None


def _same_body(order: Order, request: orders_pb2.PlaceOrderRequest) -> bool:
    """Whether the request is the one the order was placed with, but for the card.

    The card is left out because nothing of it is kept, no hash either: with the issuer's prefix and
    the last four digits known, a card number is one of a million, and any hash of it is undone by trying.
    """
    asked = [(line.product_id, line.quantity) for line in request.lines]
    return (
        order.customer_id == request.customer_id
        and order.currency == request.currency_code
        and [(line.product_id, line.quantity) for line in order.lines] == asked
    )


def _in_progress(order: Order) -> ShopError:
    return Aborted("ORDER_IN_PROGRESS", "another call is at work on this order", metadata={"order_id": order.order_id})


def _waiting(order: Order) -> ShopError:
    step = order.progress.next_step
    return pending(order, DEPENDENCY[step] if step else "orders")
