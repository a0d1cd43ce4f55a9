"""Which orders were placed on these days? Read newest first, and no further back than needed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from datetime import date

from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from services.hosting.pages import PAGE_SIZE, pages
from services.reporter.sales import placed


async def orders_of(orders: OrdersServiceStub, days: Sequence[date]) -> list[orders_pb2.Order]:
    """The orders placed on `days`, which follow one another. Raises Unreadable."""

    async def fetch(token: str) -> orders_pb2.ListOrdersResponse:
        return await orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=PAGE_SIZE, page_token=token))

    found: list[orders_pb2.Order] = []
    async with aclosing(pages("orders", fetch)) as listed:
        async for page in listed:
            found += (order for order in page.orders if days[0] <= placed(order).date() <= days[-1])
            if page.orders and placed(page.orders[-1]).date() < days[0]:
                break
    return found
