"""How is an order placed, once for each key?"""

from __future__ import annotations

from shop.orders.v1 import orders_pb2

from services.hosting.errors import AlreadyExists, Overloaded
from services.orders.book import Book
from services.orders.driving import Driver
from services.orders.failures import failure, in_progress, pending
from services.orders.money import billionths
from services.orders.order import Line, Order
from services.orders.prices import Prices
from services.orders.saga import FORWARD, Progress, State, given_up, resumed
from services.orders.store import Overtaken
from services.orders.work import Work


class Placing:
    """Places orders. Raises ShopErrors, as the contract of PlaceOrder says."""

    def __init__(self, book: Book, prices: Prices, driver: Driver, work: Work) -> None:
        self._book, self._prices, self._driver, self._work = book, prices, driver, work

    async def place(self, request: orders_pb2.PlaceOrderRequest) -> Order:
        """The order, CONFIRMED; or, if it was cancelled meanwhile or since, CANCELLED or about to be."""
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
            return await self._overtaken(order)
        if order.progress.reason:
            raise failure(order)
        if order.progress.state is not State.CONFIRMED:
            raise pending(order)
        return order

    async def _overtaken(self, order: Order) -> Order:
        """The answer when somebody has taken the order away: the customer, who cancels it, or whoever is quicker."""
        order = await self._book.require(order.order_id)
        if not given_up(order.progress):
            raise in_progress(order)
        return order

    async def _take_if_free(self, order: Order, progress: Progress, event: str) -> Order:
        if not order.free(self._book.now()):
            raise in_progress(order)
        try:
            return await self._book.take(order, progress, event)
        except Overtaken:
            raise in_progress(order) from None


def _same_body(order: Order, request: orders_pb2.PlaceOrderRequest) -> bool:
    """Whether the request is the one the order was placed with, but for the card.

    The card is left out because nothing of it is kept, no hash either: with the issuer's prefix and
    the last four digits known, a card number is one of a million, and any hash of it is undone by trying.
    """
    return (
        order.customer_id == request.customer_id
        and order.currency == request.currency_code
        and len(order.lines) == len(request.lines)
        and all(map(_same_line, order.lines, request.lines))
    )


def _same_line(line: Line, asked: orders_pb2.OrderLine) -> bool:
    shown = billionths(asked.unit_price) if asked.HasField("unit_price") else line.unit_price
    return (line.product_id, line.quantity, line.unit_price) == (asked.product_id, asked.quantity, shown)
