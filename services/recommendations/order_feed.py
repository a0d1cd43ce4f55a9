"""How do orders come in? The new ones are listed, and those whose end was open are asked for again."""

from __future__ import annotations

from collections.abc import Callable

from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2 as pb
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from services.hosting.database import Database
from services.hosting.pages import PAGE_SIZE, Unreadable
from services.recommendations import orders_read
from services.recommendations.cursor import Cursor
from services.recommendations.orders_read import Fate, Placed

FIRST_PAGE = 50
"""Orders on the first page: most of the time, there are no more that are new."""

OPEN_ORDERS = 50
"""Orders asked for again each time."""

_FATES = {
    pb.ORDER_STATE_CONFIRMED: Fate.BOUGHT,
    pb.ORDER_STATE_FAILED: Fate.NOTHING,
    pb.ORDER_STATE_CANCELLED: Fate.NOTHING,
}


class OrderFeed:
    """Learns from orders; `now` is in microseconds since 1970."""

    def __init__(self, database: Database, orders: OrdersServiceStub, now: Callable[[], int]) -> None:
        self._database, self._orders, self._now = database, orders, now

    async def feed(self) -> None:
        """Learn from what has happened since the last time. Raises Unreadable."""
        cursor = await self._database.write(orders_read.position, self._now())
        cursor = await self._turn(cursor)
        while not cursor.at_rest:
            cursor = await self._turn(cursor)
        await self._look_again()

    async def _turn(self, cursor: Cursor) -> Cursor:
        request = pb.ListOrdersRequest(page_size=FIRST_PAGE if cursor.at_rest else PAGE_SIZE)
        request.page_token = cursor.page_token
        try:
            page = await self._orders.ListOrders(request)
        except AioRpcError as error:
            if cursor.at_rest or error.code() is not StatusCode.INVALID_ARGUMENT:
                raise Unreadable("orders", error.code(), error.details()) from error
            # A token of another version of orders. What was read already will be known when it is read again.
            return await self._database.write(orders_read.turn, cursor, cursor.again(), [])
        placed = list(map(_placed, page.orders))
        after = cursor.after([order.at for order in placed], page.next_page_token, self._now())
        return await self._database.write(orders_read.turn, cursor, after, placed)

    async def _look_again(self) -> None:
        for order_id in await self._database.write(orders_read.still_open, self._now(), OPEN_ORDERS):
            order = await self._order(order_id)
            if order.fate is not Fate.OPEN:
                await self._database.write(orders_read.ended, order)

    async def _order(self, order_id: str) -> Placed:
        try:
            return _placed((await self._orders.GetOrder(pb.GetOrderRequest(order_id=order_id))).order)
        except AioRpcError as error:
            if error.code() is not StatusCode.NOT_FOUND:
                raise Unreadable("orders", error.code(), error.details()) from error
            return Placed(order_id, 0, Fate.NOTHING, ())  # from before somebody restored the orders


def _placed(order: pb.Order) -> Placed:
    return Placed(
        order.order_id,
        order.create_time.ToMicroseconds(),
        _FATES.get(order.state, Fate.OPEN),
        tuple(line.product_id for line in order.lines),
    )
