"""Who writes orders down, as whom, and until when are they his?"""

from __future__ import annotations

from services.hosting.clock import Clock, microseconds
from services.hosting.customer import INSIDE, Customer
from services.hosting.database import Database
from services.hosting.errors import NotFound
from services.orders import store
from services.orders.order import Line, Order, placed
from services.orders.saga import Progress
from services.orders.watching import Changes

_SECOND = 1_000_000


class Book:
    """The orders of one database, as one process (`owner`) sees and writes them.

    A lease lasts `lease_seconds` from each write, so that it must be longer than any one step.
    """

    def __init__(self, database: Database, changes: Changes, clock: Clock, *, owner: str, lease_seconds: float) -> None:
        self._database, self._changes, self._clock = database, changes, clock
        self._owner, self._lease = owner, round(lease_seconds * _SECOND)

    def now(self) -> int:
        """Microseconds since 1970, UTC."""
        return microseconds(self._clock.now())

    async def place(
        self, *, idempotency_key: str, customer_id: str, currency: str, lines: tuple[Line, ...]
    ) -> Order | None:
        """Write down a new order and take it; None when there is one under this key already."""
        order = placed(
            idempotency_key=idempotency_key,
            customer_id=customer_id,
            currency=currency,
            lines=lines,
            owner=self._owner,
            now=self.now(),
            lease=self._lease,
        )
        return order if await self._database.write(store.add, order) else None

    async def take(self, order: Order, progress: Progress, event: str) -> Order:
        """Begin to work on an order nobody works on. Raises store.Overtaken."""
        return await self._write(order.taken(self._owner, progress, now=self.now(), lease=self._lease), event)

    async def advance(self, order: Order, progress: Progress, event: str) -> Order:
        """Write down a step of our order. Raises store.Overtaken."""
        return await self._write(order.advanced(progress, now=self.now(), lease=self._lease), event)

    async def leave(self, order: Order, event: str) -> Order:
        """Let our order wait for the next try, by anybody. Raises store.Overtaken."""
        return await self._write(order.left(now=self.now()), event)

    async def get(self, order_id: str) -> Order | None:
        """The order with this id."""
        return await self._database.read(store.get, order_id.lower())  # a UUID in capitals is the same UUID

    async def require(self, order_id: str, customer: Customer = INSIDE) -> Order:
        """The order with this id. Raises NotFound, also for an order that the customer may not see."""
        order = await self.get(order_id)
        if order is None or not customer.may_use(order.customer_id):
            raise NotFound("ORDER_NOT_FOUND", "there is no order with this id", field="order_id")
        return order

    async def by_key(self, idempotency_key: str) -> Order | None:
        """The order placed under this key."""
        return await self._database.read(store.by_key, idempotency_key)

    async def lapsed(self, limit: int) -> list[Order]:
        """Unfinished orders nobody works on."""
        return await self._database.read(store.lapsed, self.now(), limit)

    async def page(self, customer_id: str, before: tuple[int, str] | None, size: int) -> list[Order]:
        """Up to `size` orders, newest first."""
        return await self._database.read(store.page, customer_id, before, size)

    async def _write(self, order: Order, event: str) -> Order:
        await self._database.write(store.swap, order, event)
        self._changes.tell(order.order_id)
        return order
