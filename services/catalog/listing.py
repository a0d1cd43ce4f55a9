"""Which products are on a page, and where does the next one begin?

After a key: what the list is ordered by, and the id. A product's key depends on the product alone (and the words of a
search), so one that nobody changes is on exactly one page, whatever becomes of the others meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_
from sqlalchemy.sql.elements import KeyedColumnElement

from services.catalog.index import index_of
from services.catalog.products import Stored
from services.catalog.store import STORED, stored
from services.catalog.tables import PRODUCTS
from services.hosting import paging

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)  # more is no number of ours, and too much for a database


@dataclass(frozen=True)
class Filter:
    """Which products, of all; the default: all."""

    category: str = ""
    currency_code: str = ""  # of the prices below
    least: tuple[int, int] | None = None  # units, nanos
    most: tuple[int, int] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What must be true of a product."""
        price = tuple_(PRODUCTS.c.units, PRODUCTS.c.nanos)
        found: list[ColumnElement[bool]] = []
        if self.category:
            found.append(PRODUCTS.c.category == self.category)
        if self.currency_code:
            found.append(PRODUCTS.c.currency_code == self.currency_code)
        if self.least:
            found.append(price >= self.least)
        if self.most:
            found.append(price <= self.most)
        return found


class Order(NamedTuple):
    """In which order a list is: by `keys`, of which the last is the id."""

    keys: Sequence[KeyedColumnElement[Any]]
    descending: bool = False

    def page(self, statement: Select[Any], after: str, limit: int) -> Select[Any]:
        """Up to `limit` rows of `statement`, those after the key `after`. Raises InvalidRequest when it is no key."""
        if after:
            place, key = tuple_(*self.keys), self._parsed(after)
            statement = statement.where(place < key if self.descending else place > key)
        keys = [key.desc() for key in self.keys] if self.descending else self.keys
        return statement.order_by(*keys).limit(limit)

    def _parsed(self, key: str) -> tuple[str | int, ...]:
        parts = key.split("\n")
        kinds = [column.type.python_type for column in self.keys]
        if len(parts) != len(kinds):
            raise paging.refusal()
        if any(kind is int and not _NUMBER.fullmatch(part) for kind, part in zip(kinds, parts, strict=True)):
            raise paging.refusal()
        return tuple(kind(part) for kind, part in zip(kinds, parts, strict=True))


BY_ID = Order([PRODUCTS.c.id])
BY_PRICE = Order([PRODUCTS.c.currency_code, PRODUCTS.c.units, PRODUCTS.c.nanos, PRODUCTS.c.id])
BY_PRICE_DESCENDING = BY_PRICE._replace(descending=True)
BY_NAME = Order([PRODUCTS.c.filed_under, PRODUCTS.c.id])


class Listed(NamedTuple):
    """A product of a page, and the values of its order's keys."""

    stored: Stored
    place: Sequence[str | int]

    @property
    def key(self) -> str:
        """After which the next page begins."""
        return "\n".join(map(str, self.place))


def products(connection: Connection, wanted: Filter, order: Order, after: str, limit: int) -> list[Listed]:
    """Up to `limit` of the products `wanted`, those after the key `after`. Raises InvalidRequest when it is no key."""
    statement = order.page(select(*STORED, *order.keys).where(*wanted.conditions()), after, limit)
    return _listed(connection, statement)


def holding(connection: Connection, words: Sequence[str], wanted: Filter, after: str, limit: int) -> list[Listed]:
    """The same of those that hold all of `words`, the best first."""
    found = index_of(connection).found(words).subquery("found")
    statement = select(found.c.id, found.c.rank)
    if conditions := wanted.conditions():
        statement = statement.where(found.c.id.in_(select(PRODUCTS.c.id).where(*conditions)))
    # The page is chosen by ranks alone: thousands may hold a common word, and their rows need not be read.
    best = Order([found.c.rank, found.c.id]).page(statement, after, limit).subquery("best")
    rows = select(*STORED, best.c.rank, best.c.id).join(best, best.c.id == PRODUCTS.c.id)
    return _listed(connection, rows.order_by(best.c.rank, best.c.id))


def categories(connection: Connection) -> list[tuple[str, int]]:
    """Every category, and how many products it has."""
    named = PRODUCTS.c.category
    rows = connection.execute(select(named, func.count()).where(named != "").group_by(named).order_by(named))
    return [(category, count) for category, count in rows]


def _listed(connection: Connection, statement: Select[Any]) -> list[Listed]:
    """The rows of a statement that selects STORED and then an order's keys."""
    return [Listed(stored(row), row[len(STORED) :]) for row in connection.execute(statement)]
