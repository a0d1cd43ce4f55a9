"""How are orders written down and found again? One function for each, of one transaction.

Times are microseconds since 1970, UTC. Portable SQL only.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, tuple_, update

from services.hosting.database import insert_new
from services.orders.order import Line, Order
from services.orders.saga import Progress, State, Step
from services.orders.tables import ORDERS, SAGA_LOG

# Statements are made once: making one anew costs more than running it.
_BY_ID = select(ORDERS).where(ORDERS.c.order_id == bindparam("id"))
_BY_KEY = select(ORDERS).where(ORDERS.c.idempotency_key == bindparam("key"))
_SWAP = update(ORDERS).where(ORDERS.c.order_id == bindparam("id"), ORDERS.c.version == bindparam("before"))
_LOG = insert(SAGA_LOG)


class Overtaken(Exception):
    """Somebody else has written a newer version of the order: leave it to them."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} was taken over by another process")
        self.order_id = order_id


def add(connection: Connection, order: Order) -> bool:
    """Write down a new order; False, and nothing is written, when its idempotency key is taken."""
    if not insert_new(connection, ORDERS, **_fixed(order), **_changing(order)):
        return False
    _log(connection, order, "placed")
    return True


def swap(connection: Connection, order: Order, event: str) -> None:
    """Write the next version of an order, and why in its log.

    Raises Overtaken when the version before it is no longer the current one.
    """
    keys = {"id": order.order_id, "before": order.version - 1}
    done = connection.execute(_SWAP, _changing(order) | keys)
    if done.rowcount != 1:
        raise Overtaken(order.order_id)
    _log(connection, order, event)


def get(connection: Connection, order_id: str) -> Order | None:
    """The order with this id."""
    row = connection.execute(_BY_ID, {"id": order_id}).one_or_none()
    return None if row is None else _order(row)


def by_key(connection: Connection, idempotency_key: str) -> Order | None:
    """The order placed under this key."""
    row = connection.execute(_BY_KEY, {"key": idempotency_key}).one_or_none()
    return None if row is None else _order(row)


def lapsed(connection: Connection, now: int, limit: int) -> list[Order]:
    """Unfinished orders nobody works on, those that waited longest first."""
    query = select(ORDERS).where(ORDERS.c.lease_until <= now).order_by(ORDERS.c.lease_until).limit(limit)
    return [_order(row) for row in connection.execute(query)]


def page(connection: Connection, customer_id: str, before: tuple[int, str] | None, size: int) -> list[Order]:
    """Up to `size` orders, newest first, of one customer or (empty) of all, older than `before` (created, order_id)."""
    query = select(ORDERS).order_by(ORDERS.c.created.desc(), ORDERS.c.order_id.desc()).limit(size)
    if customer_id:
        query = query.where(ORDERS.c.customer_id == customer_id)
    if before is not None:
        query = query.where(tuple_(ORDERS.c.created, ORDERS.c.order_id) < before)
    return [_order(row) for row in connection.execute(query)]


def _log(connection: Connection, order: Order, event: str) -> None:
    row = _changing(order) | {"order_id": order.order_id, "at": order.updated, "event": event}
    connection.execute(_LOG, {column.name: row[column.name] for column in SAGA_LOG.columns})


def _fixed(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "idempotency_key": order.idempotency_key,
        "customer_id": order.customer_id,
        "currency": order.currency,
        "lines": [asdict(line) for line in order.lines],
        "created": order.created,
    }


def _changing(order: Order) -> dict[str, Any]:
    return {
        "state": order.progress.state.value,
        "todo": " ".join(order.progress.todo),
        "reason": order.progress.reason,
        "product_id": order.progress.product_id,
        "available": order.progress.available,
        "reservation": order.progress.reservation,
        "updated": order.updated,
        "version": order.version,
        "owner": order.owner,
        "lease_until": order.lease_until,
        "stalls": order.stalls,
    }


def _order(row: Row[Any]) -> Order:
    return Order(
        order_id=row.order_id,
        idempotency_key=row.idempotency_key,
        customer_id=row.customer_id,
        currency=row.currency,
        lines=tuple(Line(**line) for line in row.lines),
        progress=Progress(
            state=State(row.state),
            todo=tuple(Step(step) for step in row.todo.split()),
            reason=row.reason,
            product_id=row.product_id,
            available=row.available,
            reservation=row.reservation,
        ),
        created=row.created,
        updated=row.updated,
        version=row.version,
        owner=row.owner,
        lease_until=row.lease_until,
        stalls=row.stalls,
    )
