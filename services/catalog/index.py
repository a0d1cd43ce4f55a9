"""Which products hold all the words of a search, and how well?

For each word a product is given points for the best place where it holds it, and the fewest points are the best rank:

    0  a word of the name       2  a word of the description, or its category
    1  a word of the name       3  a word of the description
       that begins with it         that begins with it

That is less than bm25 or ts_rank know, on purpose: a rank depends on the product and the search alone, so no edit
of another product moves a product to another page, and it is the same in every database.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Protocol

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    and_,
    case,
    cast,
    delete,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from services.catalog.products import Product
from services.catalog.words import words
from services.hosting.database import insert_new, inserting

TABLE = "product_words"
Found = Select[tuple[str, int]]


class Index(Protocol):
    """Where the words of products are kept."""

    @property
    def known(self) -> Select[tuple[str]]:
        """The ids of the products whose words are kept."""

    def put(self, connection: Connection, product: Product) -> None:
        """Keep the product's words instead of those it had."""

    def found(self, wanted: Sequence[str]) -> Found:
        """The `id` and `rank` of every product that holds all of `wanted`, which is not empty."""


def index_of(connection: Connection) -> Index:
    """The index of this kind of database."""
    return FullTextTable() if connection.dialect.name == "sqlite" else WordVectors()


class FullTextTable:
    """SQLite's FTS5. It knows rows by number; the numbers of products are in a table of their own, quick to read."""

    _words = Table(
        TABLE,
        MetaData(),
        Column("rowid", Integer),
        Column("name", Text),
        Column("more", Text),
        Column(TABLE, Text),  # FTS5's name for all columns together
    )
    _numbers = Table(
        "product_numbers", MetaData(), Column("number", Integer, primary_key=True), Column("id", String(64))
    )

    @property
    def known(self) -> Select[tuple[str]]:
        return select(self._numbers.c.id)

    def put(self, connection: Connection, product: Product) -> None:
        insert_new(connection, self._numbers, id=product.id)
        of_product = self._numbers.c.id == product.id
        number = connection.execute(select(self._numbers.c.number).where(of_product)).scalar_one()
        connection.execute(delete(self._words).where(self._words.c.rowid == number))
        name, more = _held(product)
        connection.execute(insert(self._words).values(rowid=number, name=" ".join(name), more=" ".join(more)))

    def found(self, wanted: Sequence[str]) -> Found:
        numbered = self._words.join(self._numbers, self._numbers.c.number == self._words.c.rowid)
        all_held = self._words.c[TABLE].match(" AND ".join(map(_begun, wanted)))
        rank = _rank([self._points(word) for word in wanted])
        return select(self._numbers.c.id, rank).select_from(numbered).where(all_held)

    def _points(self, word: str) -> ColumnElement[int]:
        name, more = self._words.c.name, self._words.c.more
        return _points(self._holds(name, f'"{word}"'), self._holds(name, _begun(word)), self._holds(more, f'"{word}"'))

    def _holds(self, column: Column[str], query: str) -> ColumnElement[bool]:
        return self._words.c.rowid.in_(select(self._words.c.rowid).where(column.match(query)).correlate(None))


class WordVectors:
    """PostgreSQL's tsvector: the words of the name have weight A."""

    _words = Table(TABLE, MetaData(), Column("id", String(64), primary_key=True), Column("words", TSVECTOR))

    @property
    def known(self) -> Select[tuple[str]]:
        return select(self._words.c.id)

    def put(self, connection: Connection, product: Product) -> None:
        name, more = _held(product)
        vector = " ".join([*(f"'{word}':1A" for word in set(name)), *(f"'{word}':2" for word in set(more))])
        kept = inserting(connection, self._words).values(id=product.id, words=cast(vector, TSVECTOR))
        connection.execute(kept.on_conflict_do_update(index_elements=["id"], set_={"words": kept.excluded.words}))

    def found(self, wanted: Sequence[str]) -> Found:
        all_held = and_(*(self._holds(f"'{word}':*") for word in wanted))
        return select(self._words.c.id, _rank([self._points(word) for word in wanted])).where(all_held)

    def _points(self, word: str) -> ColumnElement[int]:
        return _points(self._holds(f"'{word}':A"), self._holds(f"'{word}':*A"), self._holds(f"'{word}'"))

    def _holds(self, query: str) -> ColumnElement[bool]:
        return self._words.c.words.bool_op("@@")(cast(query, TSQUERY))


def _held(product: Product) -> tuple[list[str], list[str]]:
    """The words of the name, and the others."""
    return words(product.name), words(f"{product.description}\n{product.category}")


def _begun(word: str) -> str:
    return f'"{word}" *'


def _points(named: ColumnElement[bool], begun: ColumnElement[bool], held: ColumnElement[bool]) -> ColumnElement[int]:
    return case((named, 0), (begun, 1), (held, 2), else_=3)


def _rank(points: Sequence[ColumnElement[int]]) -> ColumnElement[int]:
    return reduce(add, points).label("rank")
