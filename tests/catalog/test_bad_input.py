"""The catalog refuses what its contract excludes, and names every field that is wrong."""

from __future__ import annotations

from copy import deepcopy
from itertools import permutations
from typing import Any

import pytest
from google.protobuf.message import Message
from grpc import StatusCode
from grpc.aio import AioRpcError
from shop.catalog.v1 import catalog_pb2 as pb
from shop.money.v1.money_pb2 import Money

from services.catalog.listing import Filter
from services.hosting import paging
from tests.catalog.shopkeeper import Paged, Shopkeeper, catalog, euros, method_of, product
from tests.hosting.running import blamed, reason

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
    ({"category": "a" * 33}, "category"),
    ({"category": "Deck"}, "category"),
    ({"picture": "mug"}, "picture"),
    ({"picture": "mug/<svg>"}, "picture"),
]
BOTH_CURRENCIES = pb.ProductFilter(min_price=euros(1), max_price=euros(2, currency="SEK"))
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
    ("ListProducts", pb.ListProductsRequest(order=9), "order"),  # type: ignore[arg-type]  # no such order
    ("ListProducts", pb.ListProductsRequest(filter=pb.ProductFilter(category="a" * 33)), "filter.category"),
    ("ListProducts", pb.ListProductsRequest(filter=pb.ProductFilter(min_price=euros(-1))), "filter.min_price.units"),
    ("ListProducts", pb.ListProductsRequest(filter=BOTH_CURRENCIES), "filter.max_price"),
    ("SearchProducts", pb.SearchProductsRequest(query="a", filter=BOTH_CURRENCIES), "filter.max_price"),
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
    await shop.create(*(product(each, category="galley") for each in "abc"))
    galley = pb.ProductFilter(category="galley")
    lists: list[Paged] = [
        pb.ListProductsRequest(page_size=1),
        pb.ListProductsRequest(page_size=1, order=pb.PRODUCT_ORDER_NAME),
        pb.ListProductsRequest(page_size=1, filter=galley),
        pb.SearchProductsRequest(page_size=1, query="mug"),
        pb.SearchProductsRequest(page_size=1, query="tea"),
        pb.SearchProductsRequest(page_size=1, query="mug", filter=galley),
    ]
    tokens = [(await shop.call(method_of(asked), asked)).next_page_token for asked in lists]
    for (asked, _), (_, token) in permutations(zip(lists, tokens, strict=True), 2):
        foreign = deepcopy(asked)
        foreign.page_token = token
        error = await shop.refused(method_of(foreign), foreign)
        assert (error.code(), reason(error), blamed(error)) == (
            StatusCode.INVALID_ARGUMENT,
            "PAGE_TOKEN_INVALID",
            ["page_token"],
        )


@pytest.mark.parametrize("key", ["a", "a\n", "1\na\nb", "-1\na", "1.0\na", f"{10**19}\na", "\u0661\na"])
async def test_a_token_that_somebody_made_up_with_care_is_refused(shop: Shopkeeper, key: str) -> None:
    await shop.create(product())
    token = paging.encode(repr(("search", ["mug"], Filter())), key)
    error = await shop.refused("SearchProducts", pb.SearchProductsRequest(query="mug", page_token=token))
    assert (error.code(), blamed(error)) == (StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_bytes_that_are_no_request_and_requests_that_are_too_big_are_refused(url: str) -> None:
    async with catalog(url) as channel:
        raw = channel.unary_unary("/shop.catalog.v1.CatalogService/GetProduct", bytes, bytes)
        with pytest.raises(AioRpcError) as big:
            await raw(b"\0" * 2**21, timeout=30)
        with pytest.raises(AioRpcError) as garbage:
            await raw(b"\xff\xff\xff", timeout=30)
    assert big.value.code() == StatusCode.RESOURCE_EXHAUSTED
    assert garbage.value.code() == StatusCode.INVALID_ARGUMENT
