"""Whom does the storefront ask? The shop's services, each through its policy; some of them only as well as may be."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from grpc.aio import AioRpcError
from shop.cart.v1.cart_pb2_grpc import CartServiceStub
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub
from shop.recommendations.v1.recommendations_pb2_grpc import RecommendationsServiceStub
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from mesh.resilience import degraded

T = TypeVar("T")

BRIEFLY = 0.15
"""Seconds that a page waits for what it can do without."""


@dataclass(frozen=True)
class Shop:
    """The services behind the pages."""

    cart: CartServiceStub
    catalog: CatalogServiceStub
    inventory: InventoryServiceStub
    orders: OrdersServiceStub
    recommendations: RecommendationsServiceStub
    users: UsersServiceStub
    insists: bool = False
    """Whether nothing is done without: the negative control, RESILIENCE=off."""

    async def if_possible(self, peer: str, answer: Awaitable[T]) -> T | None:
        """The answer; None when there is none, which is noted: the page then says what is missing (degraded.py)."""
        try:
            return await answer
        except AioRpcError:
            if self.insists:
                raise
            degraded.note(peer)
            return None
