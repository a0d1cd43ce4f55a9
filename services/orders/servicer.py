"""What does each RPC of shop.orders.v1.OrdersService do?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import ServicerContext
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceServicer

from services.hosting import paging
from services.orders.book import Book
from services.orders.messages import message
from services.orders.order import Order
from services.orders.placing import Placing
from services.orders.saga import FINAL
from services.orders.watching import Changes, changed_or_time

Context = ServicerContext[Any, Any]

DEFAULT_PAGE = 20
LOOK_AGAIN_SECONDS = 1.0
"""How often a watched order is read although nothing has changed here: another replica may have changed it."""

_MICROSECONDS = re.compile("[0-9]{1,18}")  # since 1970; no more digits than fit into the 64 bits of a database


class OrdersServicer(OrdersServiceServicer):
    """Requests arrive validated; errors are raised, and translated by hosting."""

    def __init__(self, placing: Placing, book: Book, changes: Changes) -> None:
        self._placing, self._book, self._changes = placing, book, changes

    async def PlaceOrder(self, request: orders_pb2.PlaceOrderRequest, _: Context) -> orders_pb2.PlaceOrderResponse:
        return orders_pb2.PlaceOrderResponse(order=message(await self._placing.place(request)))

    async def GetOrder(self, request: orders_pb2.GetOrderRequest, _: Context) -> orders_pb2.GetOrderResponse:
        return orders_pb2.GetOrderResponse(order=message(await self._placing.get(request.order_id)))

    async def ListOrders(self, request: orders_pb2.ListOrdersRequest, _: Context) -> orders_pb2.ListOrdersResponse:
        kind = f"orders of {request.customer_id}"
        size = request.page_size or DEFAULT_PAGE
        before = _position(paging.decode(kind, request.page_token))
        found = await self._book.page(request.customer_id, before, size + 1)
        orders, more = paging.page(kind, found, size, lambda order: f"{order.created} {order.order_id}")
        return orders_pb2.ListOrdersResponse(orders=map(message, orders), next_page_token=more)

    async def CancelOrder(self, request: orders_pb2.CancelOrderRequest, _: Context) -> orders_pb2.CancelOrderResponse:
        return orders_pb2.CancelOrderResponse(order=message(await self._placing.cancel(request.order_id)))

    async def WatchOrder(
        self, request: orders_pb2.WatchOrderRequest, _: Context
    ) -> AsyncIterator[orders_pb2.WatchOrderResponse]:
        sent: Order | None = None
        with self._changes.of(request.order_id.lower()) as changed:
            while sent is None or sent.progress.state not in FINAL:
                changed.clear()
                order = await self._placing.get(request.order_id)
                if sent is None or _visible(order) != _visible(sent):
                    yield orders_pb2.WatchOrderResponse(order=message(order))
                    sent = order
                else:
                    await changed_or_time(changed, LOOK_AGAIN_SECONDS)


def _visible(order: Order) -> tuple[str, ...]:
    """What a watcher can tell apart: leases and waits are nobody else's business."""
    return order.progress.state, order.reservation_id


def _position(key: str) -> tuple[int, str] | None:
    """The (created, order_id) that a page token carries. Raises InvalidRequest for what we never put into one."""
    if not key:
        return None
    created, _, order_id = key.partition(" ")
    if not _MICROSECONDS.fullmatch(created):
        raise paging.refusal()
    return int(created), order_id
