"""Which orders have been learnt from? Every confirmed one exactly once, whoever is killed when.

What is learnt from a page, that its orders were read, and where the reading goes on are one transaction. The row of the
cursor is locked from the beginning of each, so replicas take turns; one that comes with a page that another has dealt
with already learns so and drops it. An order that is neither confirmed nor given up when it is listed stays open, and
is asked for by its id until it is one of the two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, true, update

from services.hosting.database import insert_new
from services.recommendations import knowledge
from services.recommendations.cursor import HISTORY, Cursor, first
from services.recommendations.lessons import Purchase, of_purchases
from services.recommendations.tables import CURSORS, ORDERS_READ

FEED = "orders"


class Fate(Enum):
    """What has become of an order."""

    OPEN = "open"
    BOUGHT = "bought"
    NOTHING = "nothing"


class Placed(NamedTuple):
    """An order, as far as it matters here."""

    order_id: str
    at: int
    fate: Fate
    products: tuple[str, ...]


def position(connection: Connection, now: int) -> Cursor:
    """Where the reading is; it begins when it never has."""
    begin = first(now)
    insert_new(connection, CURSORS, feed=FEED, floor=begin.floor, ceiling=begin.ceiling, page_token=begin.page_token)
    return _locked(connection)


def turn(connection: Connection, cursor: Cursor, after: Cursor, orders: Sequence[Placed]) -> Cursor:
    """Learn from a page that was read at `cursor`, and go on to `after`; or to where somebody else is by now."""
    current = _locked(connection)
    if current != cursor:
        return current
    unknown = [order for order in orders if order.at >= cursor.floor]
    known = _settle(connection, unknown)
    _add(connection, [order for order in unknown if order.order_id not in known])
    row = {"floor": after.floor, "ceiling": after.ceiling, "page_token": after.page_token}
    connection.execute(update(CURSORS).where(CURSORS.c.feed == FEED), row)
    if after.at_rest:
        _forget(connection, after.floor)
    return after


def still_open(connection: Connection, now: int, limit: int) -> Sequence[str]:
    """Ids of orders whose end is open, to be asked for: those that were not for the longest time."""
    found = select(ORDERS_READ.c.order_id).where(ORDERS_READ.c.open).order_by(ORDERS_READ.c.asked).limit(limit)
    order_ids = connection.scalars(found).all()
    # Before they are asked for: one that cannot be read must not stand before the others for ever.
    connection.execute(update(ORDERS_READ).where(ORDERS_READ.c.order_id.in_(order_ids)).values(asked=now))
    return order_ids


def ended(connection: Connection, order: Placed) -> None:
    """Learn from an order that was open."""
    _locked(connection)
    _settle(connection, [order])


def _locked(connection: Connection) -> Cursor:
    row = connection.execute(select(CURSORS).where(CURSORS.c.feed == FEED).with_for_update()).one()
    return Cursor(row.floor, row.ceiling, row.page_token)


def _settle(connection: Connection, orders: Sequence[Placed]) -> Collection[str]:
    """Learn from those that were read before, as open, and no longer are; the ids of all that were read before."""
    rows = connection.execute(select(ORDERS_READ).where(ORDERS_READ.c.order_id.in_([each.order_id for each in orders])))
    was_open = {row.order_id: row.open for row in rows}
    settled = [order for order in orders if was_open.get(order.order_id) and order.fate is not Fate.OPEN]
    closed = ORDERS_READ.c.order_id.in_([order.order_id for order in settled])
    connection.execute(update(ORDERS_READ).where(closed).values(open=False))
    _learn(connection, settled)
    return was_open.keys()


def _add(connection: Connection, orders: Sequence[Placed]) -> None:
    if orders:
        connection.execute(insert(ORDERS_READ), list(map(_row, orders)))
        _learn(connection, orders)


def _learn(connection: Connection, orders: Sequence[Placed]) -> None:
    bought = (Purchase(order.products, order.at) for order in orders if order.fate is Fate.BOUGHT)
    knowledge.learn(connection, of_purchases(bought))


def _forget(connection: Connection, floor: int) -> None:
    """What was placed before the floor is not read again; an order open for a whole history is given up."""
    passed, given_up = ORDERS_READ.c.created < floor, ORDERS_READ.c.created < floor - HISTORY
    connection.execute(delete(ORDERS_READ).where(passed, (ORDERS_READ.c.open != true()) | given_up))


def _row(order: Placed) -> dict[str, object]:
    return {"order_id": order.order_id, "created": order.at, "open": order.fate is Fate.OPEN, "asked": order.at}
