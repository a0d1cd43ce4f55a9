"""The catalog lists and finds its products, page by page."""

from __future__ import annotations

import pytest
from shop.catalog.v1 import catalog_pb2 as pb

from tests.catalog.shopkeeper import Shopkeeper, product


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
