"""Goods come into a running shop once, however often they are brought, and nothing that is there is changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from grpc import StatusCode, aio
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1 import inventory_pb2

from services.hosting.pages import Unreadable
from services.seeder.__main__ import SeederSettings, seed
from services.seeder.goods import Goods, parse
from services.seeder.seeding import Seeded
from tests.hosting.databases import Databases
from tests.orders.shop import PRODUCTS, Shop, shop_without_orders
from tests.seeder.goods import entry

NEW = [entry(f"mug-{number}", 40, category="galley", picture="mug/teal") for number in range(9)]


@pytest.fixture
async def shop(databases: Databases, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with the five products of its migrations."""
    async with shop_without_orders(tmp_path, databases) as shop:
        yield shop


@pytest.fixture
async def catalog(shop: Shop) -> AsyncIterator[CatalogServiceStub]:
    async with aio.insecure_channel(shop.relay_address) as channel:
        yield CatalogServiceStub(channel)


async def brought(shop: Shop, goods: Sequence[Goods], steps: list[tuple[str, int, int]] | None = None) -> Seeded:
    """What a seeder does that is told these addresses."""
    settings = SeederSettings(
        seed_file=Path("unread"),
        catalog_service_addr=shop.relay_address,
        inventory_service_addr=shop.relay_address,
    )
    heard = [] if steps is None else steps
    return await seed(settings, goods, lambda *step: heard.append(step))


async def test_what_is_missing_is_added_with_its_stock_and_every_step_told(
    shop: Shop, catalog: CatalogServiceStub
) -> None:
    steps: list[tuple[str, int, int]] = []
    assert await brought(shop, parse(NEW), steps) == Seeded(goods=9, added=9, stocked=9, changed=[])
    found = (await catalog.GetProduct(catalog_pb2.GetProductRequest(product_id="mug-3"))).product
    assert (found.name, found.category, found.picture) == ("Mug-3", "galley", "mug/teal")
    stock = await shop.stock("mug-3")
    assert (stock.received, stock.available) == (40, 40)
    assert [step for step in steps if step[1] == step[2]] == [("products", 9, 9), ("stock", 9, 9)]
    assert [done for what, done, _ in steps if what == "products"] == [4, 8, 9]


async def test_a_second_time_there_is_nothing_to_do(shop: Shop) -> None:
    await brought(shop, parse(NEW))
    assert await brought(shop, parse(NEW)) == Seeded(goods=9, added=0, stocked=0, changed=[])
    assert (await shop.stock("mug-0")).received == 40


async def test_two_at_once_add_everything_once(shop: Shop) -> None:
    await asyncio.gather(*(brought(shop, parse(NEW)) for _ in range(2)))
    assert {(await shop.stock(one["id"])).received for one in NEW} == {40}


async def test_without_a_key_of_its_own_a_first_delivery_would_arrive_twice(shop: Shop) -> None:
    """The negative control of the test above."""
    line = inventory_pb2.StockLine(product_id="mug-0", quantity=40)
    for key in ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"):
        await shop.inventory.Restock(inventory_pb2.RestockRequest(idempotency_key=key, lines=[line]))
    assert (await shop.stock("mug-0")).received == 80


async def test_an_interrupted_run_is_finished_by_the_next(shop: Shop) -> None:
    await brought(shop, parse(NEW[:3]))
    assert await brought(shop, parse(NEW)) == Seeded(goods=9, added=6, stocked=6, changed=[])


async def test_what_an_admin_has_changed_is_left_so_and_named(shop: Shop, catalog: CatalogServiceStub) -> None:
    await brought(shop, parse(NEW))
    product = (await catalog.GetProduct(catalog_pb2.GetProductRequest(product_id="mug-5"))).product
    product.name = "The captain's mug"
    await catalog.UpdateProduct(catalog_pb2.UpdateProductRequest(product=product))
    assert (await brought(shop, parse(NEW))).changed == ["mug-5"]
    again = (await catalog.GetProduct(catalog_pb2.GetProductRequest(product_id="mug-5"))).product
    assert again.name == "The captain's mug"


async def test_products_of_the_migrations_keep_the_pieces_they_have(shop: Shop) -> None:
    seeded = await brought(shop, parse([one | {"stock": 7} for one in PRODUCTS]))
    assert seeded == Seeded(goods=5, added=0, stocked=0, changed=[])
    assert (await shop.stock("mug")).received == 100


async def test_a_product_without_stock_gets_none(shop: Shop) -> None:
    assert await brought(shop, parse([entry("sign", 0)])) == Seeded(goods=1, added=1, stocked=0, changed=[])
    assert (await shop.stock("sign")).received == 0


async def test_who_cannot_be_asked_is_named(shop: Shop) -> None:
    settings = SeederSettings(
        seed_file=Path("unread"), catalog_service_addr=shop.relay_address, inventory_service_addr="127.0.0.1:1"
    )
    with pytest.raises(Unreadable) as unread:
        await seed(settings, parse(NEW), lambda *_: None)
    assert (unread.value.service, unread.value.code) == ("inventory", StatusCode.UNAVAILABLE)
