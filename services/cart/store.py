"""How are carts kept, and changed by many at once? Works of one transaction (see services/hosting/database.py).

Whoever changes a cart locks its row first, so that changes of one cart queue and those of others do not wait.
Of two carts the one with the lower id is locked first, so that none wait in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from services.cart.carts import Cart, Item, Price, emptied, merged
from services.cart.tables import CARTS, DEEDS
from services.hosting.database import insert_new, inserting
from services.hosting.errors import AlreadyExists

_FIND = select(CARTS).where(CARTS.c.customer_id == bindparam("customer"))
_WRITE = update(CARTS).where(CARTS.c.customer_id == bindparam("customer"))


class Kind(StrEnum):
    """What is done once per key."""

    ADD = "ADD"
    CHECK_OUT = "CHECK_OUT"


class Deed(NamedTuple):
    """Something to be done once: of this kind, under this key, with these items."""

    kind: Kind
    key: str
    items: Sequence[Item]


def find(connection: Connection, customer_id: str) -> Cart:
    """The cart; an empty one when there is none."""
    row = connection.execute(_FIND, {"customer": customer_id}).one_or_none()
    return Cart(customer_id) if row is None else _cart(row)


def change(connection: Connection, customer_id: str, decide: Callable[[Cart], Cart]) -> Cart:
    """The cart as `decide` says, which may refuse by raising."""
    return _write(connection, _locked(connection, customer_id), decide)


def once(connection: Connection, customer_id: str, deed: Deed, decide: Callable[[Cart], Cart], now: int) -> Cart:
    """The cart as `decide` says, unless the deed was done before: then as it is.

    Raises AlreadyExists when something else was done under its key.
    """
    cart = _locked(connection, customer_id)
    name = {"customer_id": customer_id, "deed": deed.kind.value, "key": deed.key}
    if insert_new(connection, DEEDS, **name, contents=_written(deed.items), at=now):
        return _write(connection, cart, decide)
    done = connection.scalars(select(DEEDS.c.contents).filter_by(**name)).one()
    if done != _written(deed.items):
        field = "order_id" if deed.kind is Kind.CHECK_OUT else "idempotency_key"
        raise AlreadyExists("KEY_REUSED", "something else was done under this key before", field=field)
    return cart


def merge(connection: Connection, source: str, target: str, now: int) -> Cart:
    """The cart of `target`, with everything that was in that of `source`, which is empty then."""
    locked = {customer_id: _locked(connection, customer_id) for customer_id in sorted({source, target})}
    _write(connection, locked[source], lambda cart: emptied(cart, now))
    return _write(connection, locked[target], lambda cart: merged(cart, locked[source], now))


def forget(connection: Connection, carts_before: int, deeds_before: int) -> tuple[int, int]:
    """Remove carts and deeds older than that; how many of each."""
    carts = connection.execute(delete(CARTS).where(CARTS.c.updated < carts_before))
    deeds = connection.execute(delete(DEEDS).where(DEEDS.c.at < deeds_before))
    return carts.rowcount, deeds.rowcount


def _locked(connection: Connection, customer_id: str) -> Cart:
    """The cart, which nobody else changes until the transaction ends; made if there is none."""
    fresh = inserting(connection, CARTS).values(customer_id=customer_id, contents=[], updated=0)
    # An UPDATE locks the row, also one that another transaction is about to insert; DO NOTHING would not return it.
    locking = fresh.on_conflict_do_update(index_elements=["customer_id"], set_={"customer_id": customer_id})
    return _cart(connection.execute(locking.returning(*CARTS.c)).one())


def _write(connection: Connection, cart: Cart, decide: Callable[[Cart], Cart]) -> Cart:
    after = decide(cart)
    if after is not cart:
        row = {"customer": cart.customer_id, "contents": _written(after.items), "updated": after.updated}
        connection.execute(_WRITE, row)
    return after


def _written(items: Sequence[Item]) -> list[list[Any]]:
    return [[product, pieces, list(price) if price else None] for product, pieces, price in items]


def _cart(row: Row[Any]) -> Cart:
    items = (Item(product, pieces, Price(*price) if price else None) for product, pieces, price in row.contents)
    return Cart(row.customer_id, tuple(items), row.updated)
