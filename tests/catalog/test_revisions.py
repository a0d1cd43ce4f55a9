"""What the version before has written is kept, found and ordered; and it works on the newer schema, and goes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from shop.catalog.v1 import catalog_pb2 as pb
from sqlalchemy import Engine, text

from services.catalog.__main__ import MIGRATIONS
from services.hosting import schema
from tests.catalog.shopkeeper import Shopkeeper, catalog, euros, product
from tests.hosting.databases import Databases, engine

ADDED_BEFORE = text(
    "INSERT INTO products (id, name, description, currency_code, units, nanos, etag, updated_at, searched)"
    " VALUES (:id, 'Zinc mug', 'Holds tea.', 'EUR', 12, 500000000, :etag, 5, 'zinc mug')"
)


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.url("empty")


@pytest.fixture
def books(url: str) -> Iterator[Engine]:
    """A database as the version before left it."""
    beside = engine(url)
    move(beside, "0001")
    yield beside
    beside.dispose()


def move(books: Engine, revision: str) -> None:
    """Bring the database to a revision, forwards or backwards."""
    script = ScriptDirectory(str(MIGRATIONS))

    def steps(at: object, _: object) -> object:
        forwards = at in {(), ("0001",)} and revision != "base"
        towards = script._upgrade_revs if forwards else script._downgrade_revs
        return towards(revision, at)  # type: ignore[arg-type]

    with books.begin() as connection, EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def add(books: Engine, product_id: str) -> None:
    with books.begin() as connection:
        connection.execute(ADDED_BEFORE, {"id": product_id, "etag": f"etag-of-{product_id}"})


async def test_products_of_the_version_before_are_kept_found_and_ordered(url: str, books: Engine) -> None:
    add(books, "old")
    async with catalog(url) as channel:
        shop = Shopkeeper(channel)
        await shop.create(product("new", name="Mug"))
        old = (await shop.call("GetProduct", pb.GetProductRequest(product_id="old"))).product
        assert (old.name, old.etag, old.category, old.price) == ("Zinc mug", "etag-of-old", "", euros(12, 500_000_000))
        assert await shop.found("zinc") == ["old"]
        assert await shop.read(pb.ListProductsRequest(order=pb.PRODUCT_ORDER_NAME)) == ["new", "old"]
        assert (await shop.update(product("old", name="Tin", etag=old.etag))).name == "Tin"
        assert await shop.found("zinc") == []


async def test_creating_what_the_version_before_has_created_returns_it(url: str, books: Engine) -> None:
    add(books, "old")
    async with catalog(url) as channel:
        [there] = await Shopkeeper(channel).create(product("old", name="Zinc mug"))
    assert there.etag == "etag-of-old"


async def test_what_the_version_before_adds_to_the_newer_schema_is_found_after_the_next_start(
    url: str, books: Engine
) -> None:
    async with catalog(url) as channel:
        await Shopkeeper(channel).create(product("new"))
    add(books, "old")
    async with catalog(url) as channel:
        assert await Shopkeeper(channel).found("mug tea") == ["new", "old"]


async def test_the_way_back_and_forth_keeps_the_products(url: str, books: Engine) -> None:
    async with catalog(url) as channel:
        [new] = await Shopkeeper(channel).create(product("new", category="galley"))
    move(books, "0001")
    with books.connect() as connection:
        assert schema.revision_of(connection) == "0001"
        columns = connection.execute(text("SELECT * FROM products")).keys()
        assert not {"category", "picture", "filed_under"} & set(columns)
    async with catalog(url) as channel:
        shop = Shopkeeper(channel)
        assert await shop.found("mug") == ["new"]
        kept = (await shop.call("GetProduct", pb.GetProductRequest(product_id="new"))).product
    assert (kept.name, kept.etag, kept.category) == (new.name, new.etag, "")
