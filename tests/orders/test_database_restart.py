"""PostgreSQL dies and comes back while orders are placed: none is lost, none is placed or paid twice.

All four services keep their books on the one server, so that every step of an order can meet its death.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.orders.v1 import orders_pb2

from loadtest.postgresql import Cluster
from loadtest.shopping import OVER
from tests.hosting.databases import Databases, Servers
from tests.hosting.running import reason
from tests.orders.shop import Shop, order_of

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]

CUSTOMERS, RESTARTS, ORDERS_BETWEEN = 6, 3, 8
TRY_AGAIN = {StatusCode.UNAVAILABLE, StatusCode.ABORTED, StatusCode.DEADLINE_EXCEEDED}


@pytest.fixture
def databases(servers: Servers) -> Databases:
    return servers


@dataclass
class Customers:
    """Each places one order after the other, and asks again with the same key until it is decided."""

    shop: Shop
    confirmed: set[str] = field(default_factory=set)
    codes: Counter[StatusCode] = field(default_factory=Counter)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    closed: bool = False
    """No more orders are placed. One whose customer had just left might be written after the books were read."""

    async def shopping(self) -> None:
        while not self.closed:
            await self._order()

    async def _order(self) -> None:
        request = order_of(("mug", 1))
        while True:
            try:
                self.confirmed.add((await self.shop.orders.PlaceOrder(request, timeout=10.0)).order.order_id)
                return await self._tell()
            except AioRpcError as error:
                if reason(error) in OVER:
                    return await self._tell()
                self.codes[error.code()] += 1
                await self._tell()
                await asyncio.sleep(0.05)  # as a client would that was told to come back

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def more(self, orders: int = 0, refusals: int = 0) -> None:
        """Wait until so many more orders were confirmed, and calls refused."""
        orders, refusals = orders + len(self.confirmed), refusals + self.codes.total()
        async with self.changed, asyncio.timeout(60):
            await self.changed.wait_for(lambda: len(self.confirmed) >= orders and self.codes.total() >= refusals)


async def every_order(shop: Shop) -> list[orders_pb2.Order]:
    """All orders, each as it has become final."""
    answer = await shop.orders.ListOrders(orders_pb2.ListOrdersRequest(page_size=100))
    assert not answer.next_page_token
    return [await shop.final(order.order_id) for order in answer.orders]


async def shopping_goes_on(customers: Customers, cluster: Cluster, *, crash: bool) -> None:
    """Customers shop while the server dies, or is ended, and comes back, several times."""
    async with asyncio.TaskGroup() as group:
        for _ in range(CUSTOMERS):
            group.create_task(customers.shopping())
        for _ in range(RESTARTS):
            await customers.more(orders=ORDERS_BETWEEN)
            cluster.stop(crash=crash)
            await customers.more(refusals=CUSTOMERS)
            cluster.start()
        await customers.more(orders=ORDERS_BETWEEN)
        customers.closed = True


@pytest.mark.parametrize("crash", [True, False], ids=["crash", "shutdown"])
async def test_orders_outlive_the_restarts_of_their_database(closed_shop: Shop, cluster: Cluster, crash: bool) -> None:
    customers = Customers(closed_shop)
    async with closed_shop.replica(order_lease_seconds=2.0):
        await shopping_goes_on(customers, cluster, crash=crash)
        orders = await every_order(closed_shop)
        confirmed = {order.order_id for order in orders if order.state == orders_pb2.ORDER_STATE_CONFIRMED}
        assert customers.confirmed <= confirmed
        assert customers.codes.keys() <= TRY_AGAIN
        stock = await closed_shop.stock("mug")
        assert (stock.available, stock.reserved, stock.committed) == (100 - len(confirmed), 0, len(confirmed))
        assert await closed_shop.discrepancies() == []
