"""Who orders while processes are killed? Customers who ask until they are told, always with the same key.

So every order has an end that its customer knows: confirmed, or come to nothing. Who was never told asks once more when
the shop is left in peace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from grpc import aio
from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from loadtest.asking import answered
from loadtest.outcome import Kind, Outcome
from loadtest.shopper import CONNECTION
from loadtest.shopping import OVER, Wish, wish

PATIENCE = 2.5  # seconds for an answer
PAUSE = 0.5  # before a customer asks again
PRESSES = 8
LAST_PRESSES, AT_ONCE = 20, 8  # in the end; all at once would be another experiment
_PAGE = 500

Sleep = Callable[[float], Awaitable[None]]


@dataclass
class Told:
    """What customers asked, and what they were told in the end."""

    asked: int = 0
    tries: int = 0
    confirmed: list[str] = field(default_factory=list)  # ids
    refused: list[str] = field(default_factory=list)  # reasons
    unanswered: list[Wish] = field(default_factory=list)


class Insistent:
    """Customers called `customer_id`, behind `channel`."""

    def __init__(
        self, channel: aio.Channel, product_ids: Sequence[str], customer_id: str, random: Random, sleep: Sleep
    ) -> None:
        self._orders = OrdersServiceStub(channel)
        self._product_ids, self._customer_id, self._random, self._sleep = product_ids, customer_id, random, sleep
        self.told = Told()

    async def order(self, _: int) -> Outcome:
        """A new order, asked for until there is an answer; else it is kept."""
        self.told.asked += 1
        return await self._ask(wish(self._random, self._product_ids, self._customer_id), PRESSES)

    async def ask_again(self) -> None:
        """Ask for everything that was never answered."""
        left, self.told.unanswered = self.told.unanswered, []
        turns = asyncio.Semaphore(AT_ONCE)

        async def ask(wanted: Wish) -> None:
            async with turns:
                await self._ask(wanted, LAST_PRESSES)

        await asyncio.gather(*map(ask, left))

    async def _ask(self, wanted: Wish, presses: int) -> Outcome:
        for _ in range(presses - 1):
            outcome = await self._press(wanted)
            if self._note(outcome):
                return outcome
            await self._sleep(PAUSE)
        outcome = await self._press(wanted)
        if not self._note(outcome):
            self.told.unanswered.append(wanted)
        return outcome

    async def _press(self, wanted: Wish) -> Outcome:
        self.told.tries += 1
        call = self._orders.PlaceOrder(wanted.request, timeout=PATIENCE)
        response, outcome = await answered("PlaceOrder", call, wanted.deserved)
        if outcome.kind is Kind.OK:
            self.told.confirmed.append(response.order.order_id)
        return outcome

    def _note(self, outcome: Outcome) -> bool:
        """Whether that was an answer: the order stands, or it will never be one."""
        if outcome.kind is Kind.EXPECTED or outcome.reason in OVER:
            self.told.refused.append(outcome.reason)
            return True
        return outcome.kind is Kind.OK

    async def books(self) -> list[orders_pb2.Order]:
        """All orders that the shop knows of these customers. Raises grpc.aio.AioRpcError."""
        found: list[orders_pb2.Order] = []
        token = ""
        while True:
            request = orders_pb2.ListOrdersRequest(customer_id=self._customer_id, page_size=_PAGE, page_token=token)
            page = await self._orders.ListOrders(request, timeout=10.0)
            found += page.orders
            token = page.next_page_token
            if not token:
                return found


@asynccontextmanager
async def insistent(gateway: str, product_ids: Sequence[str], customer_id: str, seed: int) -> AsyncIterator[Insistent]:
    """These customers, on a connection of their own."""
    async with aio.insecure_channel(gateway, options=CONNECTION) as channel:
        random = Random(seed)  # noqa: S311 - choices, not secrets
        yield Insistent(channel, product_ids, customer_id, random, asyncio.sleep)
