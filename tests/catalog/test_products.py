"""The catalog keeps its products: created once, changed by those who saw the newest, got as they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb
from shop.money.v1.money_pb2 import Money

from tests.catalog.shopkeeper import Shopkeeper, catalog, product
from tests.hosting.running import FakeClock, blamed, reason


async def test_a_created_product_is_got_as_it_was_given(shop: Shopkeeper, clock: FakeClock) -> None:
    given = product(category="galley", picture="mug/navy")
    [created] = await shop.create(given)
    got = (await shop.call("GetProduct", pb.GetProductRequest(product_id="mug"))).product
    assert got == created
    assert (got.name, got.description, got.price) == ("Mug", "Holds tea.", given.price)
    assert (got.category, got.picture) == ("galley", "mug/navy")
    assert got.etag
    assert got.update_time.ToMicroseconds() == clock.now().timestamp() * 10**6


async def test_what_the_server_makes_is_ignored_in_a_creation(shop: Shopkeeper) -> None:
    [created] = await shop.create(product(etag="mine"))
    assert created.etag != "mine"
    assert await shop.create(product(etag="another")) == [created]


async def test_creating_the_same_again_returns_what_is_there(shop: Shopkeeper, clock: FakeClock) -> None:
    [created] = await shop.create(product())
    clock.advance(60)
    assert await shop.create(product()) == [created]


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Cup"},
        {"description": ""},
        {"price": Money(currency_code="SEK", units=12, nanos=500_000_000)},
        {"price": Money(currency_code="EUR", units=12)},
        {"category": "deck"},
        {"picture": "mug/navy"},
    ],
)
async def test_creating_another_product_with_the_same_id_is_refused(shop: Shopkeeper, other: dict[str, Any]) -> None:
    await shop.create(product())
    error = await shop.refused("CreateProduct", pb.CreateProductRequest(product=product(**other)))
    assert (error.code(), reason(error), blamed(error)) == (StatusCode.ALREADY_EXISTS, "PRODUCT_EXISTS", ["product.id"])


async def test_of_many_who_create_the_same_id_at_once_one_content_wins(shop: Shopkeeper) -> None:
    names = [f"Mug {number}" for number in range(10)]
    requests = [pb.CreateProductRequest(product=product(name=name)) for name in names]
    ended = await asyncio.gather(*(shop.call("CreateProduct", one) for one in requests), return_exceptions=True)
    refused = [end for end in ended if isinstance(end, AioRpcError)]
    assert len(refused) == 9
    assert {end.code() for end in refused} == {StatusCode.ALREADY_EXISTS}


async def test_an_update_with_the_current_etag_replaces_the_content(shop: Shopkeeper, clock: FakeClock) -> None:
    [created] = await shop.create(product())
    clock.advance(60)
    changed = product(name="Cup", description="", etag=created.etag)
    updated = (await shop.call("UpdateProduct", pb.UpdateProductRequest(product=changed))).product
    assert (updated.name, updated.description) == ("Cup", "")
    assert updated.etag not in {created.etag, ""}
    assert updated.update_time.ToMicroseconds() == clock.now().timestamp() * 10**6


async def test_every_change_of_the_content_changes_the_etag(shop: Shopkeeper) -> None:
    [one] = await shop.create(product())
    seen = [one.etag]
    for change in ({"category": "deck"}, {"picture": "mug/navy"}, {"category": "galley"}, {"name": "Cup"}):
        one = await shop.update(
            product(**{"category": one.category, "picture": one.picture, "etag": one.etag} | change)
        )
        seen.append(one.etag)
    assert len(set(seen)) == len(seen)
    assert (await shop.update(product(etag=one.etag))).etag == seen[0]


async def test_an_update_with_an_old_etag_is_aborted_and_changes_nothing(shop: Shopkeeper) -> None:
    [created] = await shop.create(product())
    first = pb.UpdateProductRequest(product=product(name="Cup", etag=created.etag))
    await shop.call("UpdateProduct", first)
    error = await shop.refused("UpdateProduct", first)
    assert (error.code(), reason(error), blamed(error)) == (StatusCode.ABORTED, "ETAG_MISMATCH", ["product.etag"])
    got = (await shop.call("GetProduct", pb.GetProductRequest(product_id="mug"))).product
    assert got.name == "Cup"


async def test_of_many_updates_at_once_with_one_etag_one_wins(shop: Shopkeeper) -> None:
    [created] = await shop.create(product())
    requests = [pb.UpdateProductRequest(product=product(name=f"Cup {n}", etag=created.etag)) for n in range(10)]
    ended = await asyncio.gather(*(shop.call("UpdateProduct", one) for one in requests), return_exceptions=True)
    refused = [end for end in ended if isinstance(end, AioRpcError)]
    assert len(refused) == 9
    assert {end.code() for end in refused} == {StatusCode.ABORTED}


async def test_a_batch_comes_in_the_order_asked_for(shop: Shopkeeper) -> None:
    await shop.create(product("a"), product("b"), product("c"))
    wanted = ["c", "a", "c", "b"]
    answer = await shop.call("BatchGetProducts", pb.BatchGetProductsRequest(product_ids=wanted))
    assert [one.id for one in answer.products] == wanted


async def test_a_batch_names_the_first_product_it_misses(shop: Shopkeeper) -> None:
    await shop.create(product("a"))
    error = await shop.refused("BatchGetProducts", pb.BatchGetProductsRequest(product_ids=["a", "b", "c"]))
    assert (error.code(), reason(error), blamed(error)) == (
        StatusCode.NOT_FOUND,
        "PRODUCT_NOT_FOUND",
        ["product_ids[1]"],
    )


async def test_products_outlive_the_process(url: str) -> None:
    async with catalog(url) as channel:
        created = await Shopkeeper(channel).create(product())
    async with catalog(url) as channel:
        assert await Shopkeeper(channel).create(product()) == created
