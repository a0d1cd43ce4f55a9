"""An orders service that lists what a test says, the newest first; also as a server, for a process to read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata
from shop.orders.v1 import orders_pb2 as pb
from shop.orders.v1.orders_pb2_grpc import OrdersServiceServicer, add_OrdersServiceServicer_to_server

from services.hosting.clock import timestamp
from services.recommendations.lessons import Lessons, Purchase, of_purchases

CONFIRMED, CHARGED, FAILED = pb.ORDER_STATE_CONFIRMED, pb.ORDER_STATE_CHARGED, pb.ORDER_STATE_FAILED


def refusal(code: StatusCode) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details="as the test says")


class OrderList:
    """Orders; the same methods as a stub has."""

    def __init__(self) -> None:
        self.orders: list[pb.Order] = []
        self.refusing: StatusCode | None = None
        self.asked = 0
        self.of_tokens = ""  # another version of orders gives other tokens

    def place(self, products: str, at: int, state: pb.OrderState.ValueType = CONFIRMED) -> pb.Order:
        """One more order, which bears this time."""
        order = pb.Order(
            order_id=str(UUID(int=len(self.orders))),
            lines=[pb.OrderLine(product_id=product, quantity=1) for product in products.split()],
            state=state,
            create_time=timestamp(at),
        )
        self.orders.append(order)
        return order

    def confirmed(self) -> Lessons:
        """What is to be learnt from them."""
        return of_purchases(_purchases(self.orders))

    async def ListOrders(self, request: pb.ListOrdersRequest) -> pb.ListOrdersResponse:
        self._answering()
        listed = sorted(self.orders, key=_place, reverse=True)
        if request.page_token:
            version, _, place = request.page_token.rpartition("|")
            if version != self.of_tokens:
                raise refusal(StatusCode.INVALID_ARGUMENT)
            listed = [order for order in listed if _place(order) < place]
        page = listed[: request.page_size]
        more = f"{self.of_tokens}|{_place(page[-1])}" if len(listed) > len(page) else ""
        return pb.ListOrdersResponse(orders=page, next_page_token=more)

    async def GetOrder(self, request: pb.GetOrderRequest) -> pb.GetOrderResponse:
        self._answering()
        for order in self.orders:
            if order.order_id == request.order_id:
                return pb.GetOrderResponse(order=order)
        raise refusal(StatusCode.NOT_FOUND)

    def _answering(self) -> None:
        self.asked += 1
        if self.refusing:
            raise refusal(self.refusing)


def _place(order: pb.Order) -> str:
    return f"{order.create_time.ToMicroseconds():020} {order.order_id}"


def _purchases(orders: list[pb.Order]) -> Iterator[Purchase]:
    for order in orders:
        if order.state == CONFIRMED:
            yield Purchase(tuple(line.product_id for line in order.lines), order.create_time.ToMicroseconds())


class _Server(OrdersServiceServicer):
    def __init__(self, listed: OrderList) -> None:
        self._listed = listed

    async def ListOrders(self, request: pb.ListOrdersRequest, _: Any) -> pb.ListOrdersResponse:
        return await self._listed.ListOrders(request)

    async def GetOrder(self, request: pb.GetOrderRequest, _: Any) -> pb.GetOrderResponse:
        return await self._listed.GetOrder(request)


@asynccontextmanager
async def listening(listed: OrderList) -> AsyncIterator[str]:
    """Where it listens."""
    server = grpc.aio.server()
    add_OrdersServiceServicer_to_server(_Server(listed), server)  # type: ignore[abstract]  # the rest is not called
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
