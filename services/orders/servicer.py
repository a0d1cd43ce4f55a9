"""What does each RPC of shop.orders.v1.OrdersService do?"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import ServicerContext
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceServicer

from services.hosting import paging
from services.hosting.customer import Customer, customer_of
from services.hosting.errors import InvalidRequest
from services.orders.book import Book
from services.orders.cancelling import Cancelling
from services.orders.messages import message
from services.orders.order import Order
from services.orders.placing import Placing
from services.orders.saga import FINAL
from services.orders.watching import Changes, changed_or_time

Context = ServicerContext[Any, Any]

DEFAULT_PAGE = 20

_MICROSECONDS = re.compile("[0-9]{1,18}")  # since 1970; no more digits than fit into the 64 bits of a database


class OrdersServicer(OrdersServiceServicer):
    """Requests arrive validated; errors are raised, and translated by hosting.

    What another customer has ordered is not found, like what nobody has.
    """

    def __init__(self, placing: Placing, cancelling: Cancelling, book: Book, changes: Changes) -> None:
        self._placing, self._cancelling, self._book, self._changes = placing, cancelling, book, changes

    async def PlaceOrder(
        self, request: orders_pb2.PlaceOrderRequest, context: Context
    ) -> orders_pb2.PlaceOrderResponse:
        _customer(context).require_use(request.customer_id)
        return orders_pb2.PlaceOrderResponse(order=message(await self._placing.place(request)))

    async def GetOrder(self, request: orders_pb2.GetOrderRequest, context: Context) -> orders_pb2.GetOrderResponse:
        order = await self._book.require(request.order_id, _customer(context))
        return orders_pb2.GetOrderResponse(order=message(order))

    async def ListOrders(
        self, request: orders_pb2.ListOrdersRequest, context: Context
    ) -> orders_pb2.ListOrdersResponse:
        customer_id = _whose(request.customer_id, _customer(context))
        kind = f"orders of {customer_id}"
        size = request.page_size or DEFAULT_PAGE
        before = _position(paging.decode(kind, request.page_token))
        found = await self._book.page(customer_id, before, size + 1)
        orders, more = paging.page(kind, found, size, lambda order: f"{order.created} {order.order_id}")
        return orders_pb2.ListOrdersResponse(orders=map(message, orders), next_page_token=more)

    async def CancelOrder(
        self, request: orders_pb2.CancelOrderRequest, context: Context
    ) -> orders_pb2.CancelOrderResponse:
        order = await self._book.require(request.order_id, _customer(context))
        return orders_pb2.CancelOrderResponse(order=message(await self._cancelling.cancel(order)))

    async def WatchOrder(
        self, request: orders_pb2.WatchOrderRequest, context: Context
    ) -> AsyncIterator[orders_pb2.WatchOrderResponse]:
        customer, told, final = _customer(context), None, False
        with self._changes.of(request.order_id.lower()) as changed:
            while not final:
                changed.clear()
                order = await self._book.require(request.order_id, customer)
                final = order.progress.state in FINAL
                if final or (_visible(order) != told and order.version != request.after_version):
                    yield orders_pb2.WatchOrderResponse(order=message(order))
                told = _visible(order)
                if not final:
                    await changed_or_time(changed)


def _customer(context: Context) -> Customer:
    return customer_of(context.invocation_metadata())


def _whose(asked: str, customer: Customer) -> str:
    """Whose orders to list when these were asked for; empty: everybody's. Raises Forbidden and InvalidRequest."""
    customer.require_use(asked)
    if asked or customer.admin:
        return asked
    if not customer.id:
        raise InvalidRequest("CUSTOMER_ID_MISSING", "is needed without an access token", field="customer_id")
    return customer.id


def _visible(order: Order) -> tuple[str, str]:
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
