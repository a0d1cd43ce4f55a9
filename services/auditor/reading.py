"""How are the books read? Over gRPC, a page at a time, as anybody else would read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.payments.v1 import payments_pb2
from shop.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from services.auditor.books import Books
from services.hosting.pages import PAGE_SIZE, Page, pages

Row = TypeVar("Row")


@dataclass(frozen=True)
class Reader:
    """The three services."""

    orders: OrdersServiceStub
    payments: PaymentsServiceStub
    inventory: InventoryServiceStub

    async def read(self) -> Books:
        """All books, orders first. Raises Unreadable."""
        return Books(
            orders=await _rows("orders", self._orders, lambda page: page.orders),
            payments=await _rows("payments", self._payments, lambda page: page.payments),
            reservations=await _rows("inventory", self._reservations, lambda page: page.reservations),
            stock=await _rows("inventory", self._stock, lambda page: page.stock),
        )

    async def _orders(self, token: str) -> orders_pb2.ListOrdersResponse:
        return await self.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=PAGE_SIZE, page_token=token))

    async def _payments(self, token: str) -> payments_pb2.ListPaymentsResponse:
        request = payments_pb2.ListPaymentsRequest(page_size=PAGE_SIZE, page_token=token)
        return await self.payments.ListPayments(request)

    async def _reservations(self, token: str) -> inventory_pb2.ListReservationsResponse:
        request = inventory_pb2.ListReservationsRequest(page_size=PAGE_SIZE, page_token=token)
        return await self.inventory.ListReservations(request)

    async def _stock(self, token: str) -> inventory_pb2.ListStockResponse:
        return await self.inventory.ListStock(inventory_pb2.ListStockRequest(page_size=PAGE_SIZE, page_token=token))


async def _rows(
    service: str, fetch: Callable[[str], Awaitable[Page]], rows: Callable[[Page], Iterable[Row]]
) -> list[Row]:
    return [row async for page in pages(service, fetch) for row in rows(page)]
