"""The catalog keeps its contract: every RPC, through everything that is around it in a pod."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.money.v1.money_pb2 import Money

from services.catalog.__main__ import CatalogSettings, build
from services.hosting import Host
from tests.hosting.running import FakeClock, blamed, reason, serve


@asynccontextmanager
async def catalog(folder: Path, clock: FakeClock | None = None, **given: Any) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a catalog that keeps its database in `folder`."""
    settings = CatalogSettings(
        listen_address="127.0.0.1:0",
        drain_delay_seconds=0,
        drain_seconds=0,
        database_url=f"sqlite+aiosqlite:///{folder}/catalog.db",
        **given,
    )
    host = Host(settings, clock=clock or FakeClock())
    async with build(settings, host) as hosted, serve(hosted, host) as channel:
        yield channel


class Shopkeeper:
    """Calls the catalog, each time with a deadline."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = CatalogServiceStub(channel)

    async def call(self, method: str, request: Message) -> Any:
        return await getattr(self._stub, method)(request, timeout=30)

    async def refused(self, method: str, request: Message) -> AioRpcError:
        with pytest.raises(AioRpcError) as caught:
            await self.call(method, request)
        return caught.value

    async def create(self, *products: pb.Product) -> list[pb.Product]:
        return [(await self.call("CreateProduct", pb.CreateProductRequest(product=one))).product for one in products]

    async def found(self, query: str) -> list[str]:
        answer = await self.call("SearchProducts", pb.SearchProductsRequest(query=query))
        return [product.id for product in answer.products]


def product(product_id: str = "mug", **other: Any) -> pb.Product:
    price = Money(currency_code="EUR", units=12, nanos=500_000_000)
    content: dict[str, Any] = {"id": product_id, "name": "Mug", "description": "Holds tea.", "price": price}
    return pb.Product(**content | other)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def shop(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Shopkeeper]:
    async with catalog(tmp_path, clock) as channel:
        yield Shopkeeper(channel)


async def test_a_created_product_is_got_as_it_was_given(shop: Shopkeeper, clock: FakeClock) -> None:
    [created] = await shop.create(product())
    got = (await shop.call("GetProduct", pb.GetProductRequest(product_id="mug"))).product
    assert got == created
    assert (got.name, got.description, got.price) == ("Mug", "Holds tea.", product().price)
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
    assert await shop.found("tea") == []


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


@pytest.mark.parametrize("page_size", [1, 2, 5, 7, 0])
async def test_pages_hold_every_product_once_by_id(shop: Shopkeeper, page_size: int) -> None:
    await shop.create(*(product(f"mug-{number}") for number in (3, 0, 4, 1, 2)))
    seen: list[str] = []
    token = ""
    while True:
        request = pb.ListProductsRequest(page_size=page_size, page_token=token)
        page = await shop.call("ListProducts", request)
        assert len(page.products) <= (page_size or 20)
        seen += [one.id for one in page.products]
        token = page.next_page_token
        if not token:
            break
        assert page.products
    assert seen == [f"mug-{number}" for number in range(5)]


async def test_an_empty_catalog_is_one_empty_page(shop: Shopkeeper) -> None:
    assert await shop.call("ListProducts", pb.ListProductsRequest()) == pb.ListProductsResponse()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("mug", ["blue", "percent"]),
        ("MUG", ["blue", "percent"]),
        ("mug tea", ["blue"]),
        ("tea  MUG", ["blue"]),
        ("straße", ["street"]),
        ("STRASSE", ["street"]),
        ("%", ["percent"]),
        ("_", ["percent"]),
        ("\\", ["percent"]),
        ("/", []),
        ("' OR 1=1 --", []),
        ("nothing", []),
    ],
)
async def test_search_finds_every_word_in_any_case_and_takes_no_wildcards(
    shop: Shopkeeper, query: str, ids: list[str]
) -> None:
    await shop.create(
        product("blue", name="Blue mug"),
        product("percent", name="100%_mug", description="a\\b"),
        product("street", name="Straßenkarte", description=""),
    )
    assert await shop.found(query) == ids


async def test_search_results_come_in_pages(shop: Shopkeeper) -> None:
    await shop.create(product("a"), product("b", name="Cup"), product("c"))
    first = await shop.call("SearchProducts", pb.SearchProductsRequest(query="mug", page_size=1))
    again = pb.SearchProductsRequest(query="MUG", page_size=1, page_token=first.next_page_token)
    second = await shop.call("SearchProducts", again)
    assert [one.id for one in (*first.products, *second.products)] == ["a", "c"]
    assert not second.next_page_token


LONG = "a" * 65
BAD_PRODUCTS: list[tuple[dict[str, Any], str]] = [
    ({"id": LONG}, "id"),
    ({"id": "Mug"}, "id"),
    ({"id": "mug\n"}, "id"),
    ({"name": ""}, "name"),
    ({"name": "a" * 121}, "name"),
    ({"description": "a" * 2001}, "description"),
    ({"price": None}, "price"),
    ({"price": Money(currency_code="euro")}, "price.currency_code"),
    ({"price": Money(currency_code="EUR", units=-1)}, "price.units"),
    ({"price": Money(currency_code="EUR", units=10**6 + 1)}, "price.units"),
    ({"price": Money(currency_code="EUR", nanos=-1)}, "price.nanos"),
    ({"price": Money(currency_code="EUR", nanos=10**9)}, "price.nanos"),
    ({"etag": LONG}, "etag"),
]
BAD_REQUESTS: list[tuple[str, Message, str]] = [
    ("GetProduct", pb.GetProductRequest(), "product_id"),
    ("GetProduct", pb.GetProductRequest(product_id=LONG), "product_id"),
    ("BatchGetProducts", pb.BatchGetProductsRequest(), "product_ids"),
    ("BatchGetProducts", pb.BatchGetProductsRequest(product_ids=["a"] * 101), "product_ids"),
    ("BatchGetProducts", pb.BatchGetProductsRequest(product_ids=["a", ""]), "product_ids[1]"),
    ("ListProducts", pb.ListProductsRequest(page_size=-1), "page_size"),
    ("ListProducts", pb.ListProductsRequest(page_size=101), "page_size"),
    ("ListProducts", pb.ListProductsRequest(page_token="a" * 257), "page_token"),
    ("ListProducts", pb.ListProductsRequest(page_token="made up"), "page_token"),
    ("SearchProducts", pb.SearchProductsRequest(), "query"),
    ("SearchProducts", pb.SearchProductsRequest(query=" \t"), "query"),
    ("SearchProducts", pb.SearchProductsRequest(query="a" * 101), "query"),
    ("SearchProducts", pb.SearchProductsRequest(query="a", page_size=-1), "page_size"),
    ("SearchProducts", pb.SearchProductsRequest(query="a", page_token="made up"), "page_token"),
    ("CreateProduct", pb.CreateProductRequest(), "product"),
    ("UpdateProduct", pb.UpdateProductRequest(), "product"),
    ("UpdateProduct", pb.UpdateProductRequest(product=product()), "product.etag"),
    *(("CreateProduct", pb.CreateProductRequest(product=product(**bad)), f"product.{at}") for bad, at in BAD_PRODUCTS),
    *(
        ("UpdateProduct", pb.UpdateProductRequest(product=product(**{"etag": "e"} | bad)), f"product.{at}")
        for bad, at in BAD_PRODUCTS
    ),
]


@pytest.mark.parametrize(("method", "request_", "field"), BAD_REQUESTS)
async def test_bad_input_is_refused_and_its_field_named(
    shop: Shopkeeper, method: str, request_: Message, field: str
) -> None:
    error = await shop.refused(method, request_)
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, [field])


async def test_every_problem_of_a_request_is_named_at_once(shop: Shopkeeper) -> None:
    bad = product("", name="", price=Money(currency_code="euro", units=-1))
    error = await shop.refused("CreateProduct", pb.CreateProductRequest(product=bad))
    assert set(blamed(error)) == {"product.id", "product.name", "product.price.currency_code", "product.price.units"}


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("GetProduct", pb.GetProductRequest(product_id="nobody"), "product_id"),
        ("GetProduct", pb.GetProductRequest(product_id="' OR ''='"), "product_id"),
        ("UpdateProduct", pb.UpdateProductRequest(product=product("nobody", etag="e")), "product.id"),
    ],
)
async def test_an_unknown_product_is_not_found(shop: Shopkeeper, method: str, request_: Message, field: str) -> None:
    error = await shop.refused(method, request_)
    assert (error.code(), reason(error), blamed(error)) == (StatusCode.NOT_FOUND, "PRODUCT_NOT_FOUND", [field])


async def test_a_token_of_another_list_or_search_is_refused(shop: Shopkeeper) -> None:
    await shop.create(product("a"), product("b"))
    listed = (await shop.call("ListProducts", pb.ListProductsRequest(page_size=1))).next_page_token
    mugs = (await shop.call("SearchProducts", pb.SearchProductsRequest(query="mug", page_size=1))).next_page_token
    for method, request in (
        ("ListProducts", pb.ListProductsRequest(page_token=mugs)),
        ("SearchProducts", pb.SearchProductsRequest(query="mug", page_token=listed)),
        ("SearchProducts", pb.SearchProductsRequest(query="tea", page_token=mugs)),
    ):
        error = await shop.refused(method, request)
        assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_bytes_that_are_no_request_and_requests_that_are_too_big_are_refused(tmp_path: Path) -> None:
    async with catalog(tmp_path) as channel:
        raw = channel.unary_unary("/shop.catalog.v1.CatalogService/GetProduct", bytes, bytes)
        with pytest.raises(AioRpcError) as big:
            await raw(b"\0" * 2**21, timeout=30)
        with pytest.raises(AioRpcError) as garbage:
            await raw(b"\xff\xff\xff", timeout=30)
    assert big.value.code() == StatusCode.RESOURCE_EXHAUSTED
    assert garbage.value.code() == StatusCode.INVALID_ARGUMENT


async def test_products_outlive_the_process(tmp_path: Path) -> None:
    async with catalog(tmp_path) as channel:
        created = await Shopkeeper(channel).create(product())
    async with catalog(tmp_path) as channel:
        assert await Shopkeeper(channel).create(product()) == created
