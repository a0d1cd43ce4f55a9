"""The catalog lists its products page by page: all or some of them, in the order asked for."""

from __future__ import annotations

from typing import Any

import pytest
from shop.catalog.v1 import catalog_pb2 as pb

from tests.catalog.shopkeeper import Shopkeeper, euros, product

ASKED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["bell", "cup", "mug", "rope", "tea"]),
    ({"order": pb.PRODUCT_ORDER_PRICE}, ["mug", "tea", "cup", "bell", "rope"]),
    ({"order": pb.PRODUCT_ORDER_PRICE_DESCENDING}, ["rope", "bell", "cup", "tea", "mug"]),
    ({"order": pb.PRODUCT_ORDER_NAME}, ["cup", "mug", "bell", "rope", "tea"]),
    ({"filter": pb.ProductFilter(category="galley")}, ["cup", "mug"]),
    ({"filter": pb.ProductFilter(category="galle")}, []),
    ({"filter": pb.ProductFilter(category="' OR ''='")}, []),
    ({"filter": pb.ProductFilter(min_price=euros(5))}, ["bell", "rope"]),
    ({"filter": pb.ProductFilter(max_price=euros(4, 500_000_000))}, ["cup", "mug", "tea"]),
    ({"filter": pb.ProductFilter(min_price=euros(4, 500_000_000), max_price=euros(5))}, ["bell", "cup"]),
    ({"filter": pb.ProductFilter(min_price=euros(9), max_price=euros(5))}, []),
    ({"filter": pb.ProductFilter(min_price=euros(0, currency="SEK"))}, []),
    ({"filter": pb.ProductFilter(category="galley"), "order": pb.PRODUCT_ORDER_PRICE}, ["mug", "cup"]),
]


async def stocked(shop: Shopkeeper) -> None:
    await shop.create(
        product("mug", name="Enamel Mug", price=euros(4), category="galley"),
        product("cup", name="élan cup", price=euros(4, 500_000_000), category="galley"),
        product("tea", name="Tea", price=euros(4), category="provisions"),
        product("bell", name="Fog bell", price=euros(5), category="deck"),
        product("rope", name="rope", price=euros(30)),
    )


@pytest.mark.parametrize(("asked", "ids"), ASKED)
async def test_pages_hold_what_was_asked_for_once_and_in_order(
    shop: Shopkeeper, asked: dict[str, Any], ids: list[str]
) -> None:
    await stocked(shop)
    for page_size in (1, 2, 5, 7, 0):
        pages = [page async for page in shop.pages(pb.ListProductsRequest(page_size=page_size, **asked))]
        assert [each for page in pages for each in page] == ids
        assert all(len(page) <= (page_size or 20) for page in pages)
        assert all(pages) or not ids


async def test_products_of_equal_order_come_by_id(shop: Shopkeeper) -> None:
    same = [f"mug-{number}" for number in (3, 0, 4, 1, 2)]
    await shop.create(*map(product, same))
    for order in (pb.PRODUCT_ORDER_UNSPECIFIED, pb.PRODUCT_ORDER_PRICE, pb.PRODUCT_ORDER_NAME):
        assert await shop.read(pb.ListProductsRequest(page_size=2, order=order)) == sorted(same)
    descending = pb.ListProductsRequest(page_size=2, order=pb.PRODUCT_ORDER_PRICE_DESCENDING)
    assert await shop.read(descending) == sorted(same, reverse=True)


async def test_prices_are_ordered_within_a_currency(shop: Shopkeeper) -> None:
    await shop.create(
        product("a", price=euros(1, currency="SEK")), product("b", price=euros(2)), product("c", price=euros(1))
    )
    assert await shop.read(pb.ListProductsRequest(page_size=1, order=pb.PRODUCT_ORDER_PRICE)) == ["c", "b", "a"]


@pytest.mark.parametrize("letter", ["w", "ω", "海", "𐍈"])
async def test_the_longest_names_and_ids_fit_into_a_page_token(shop: Shopkeeper, letter: str) -> None:
    ids = [f"{number}{'i' * 63}" for number in range(3)]
    await shop.create(*(product(each, name=letter * 120) for each in ids))
    request = pb.ListProductsRequest(page_size=1, order=pb.PRODUCT_ORDER_NAME)
    assert await shop.read(request) == ids
    assert await shop.read(pb.SearchProductsRequest(query=letter * 100, page_size=1)) == ids


async def test_an_empty_catalog_is_one_empty_page_without_categories(shop: Shopkeeper) -> None:
    assert await shop.call("ListProducts", pb.ListProductsRequest()) == pb.ListProductsResponse()
    assert await shop.call("ListCategories", pb.ListCategoriesRequest()) == pb.ListCategoriesResponse()


async def test_categories_are_counted_by_id(shop: Shopkeeper) -> None:
    await stocked(shop)
    [mug] = await shop.create(product("mug", name="Enamel Mug", price=euros(4), category="galley"))
    counted = (await shop.call("ListCategories", pb.ListCategoriesRequest())).categories
    assert [(one.id, one.product_count) for one in counted] == [("deck", 1), ("galley", 2), ("provisions", 1)]
    mug.category = ""
    await shop.update(mug)
    counted = (await shop.call("ListCategories", pb.ListCategoriesRequest())).categories
    assert [(one.id, one.product_count) for one in counted] == [("deck", 1), ("galley", 1), ("provisions", 1)]
