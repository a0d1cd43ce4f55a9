"""A search finds the products that hold all its words, the best match first, and reads them as words only."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from shop.catalog.v1 import catalog_pb2 as pb

from tests.catalog.shopkeeper import Shopkeeper, euros, product
from tests.hosting.running import blamed, reason


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("mug", ["blue", "percent"]),
        ("MUG", ["blue", "percent"]),
        ("mug tea", ["blue"]),
        ("tea  MUG", ["blue"]),
        ("mu te", ["blue"]),
        ("ug", []),
        ("straße", ["street"]),
        ("STRASSE", ["street"]),
        ("strassenkarte", ["street"]),
        ("100% mug", ["percent"]),
        ("mug*", ["blue", "percent"]),
        ("mug OR street", []),
        ("name:mug", []),
        ("-mug", ["blue", "percent"]),
        ('"mug" & "tea"', ["blue"]),
        ("') UNION SELECT 1 --", []),
        ("percent", []),
        ("nothing", []),
        ("a b c d e f g h i j k l m n o p q r s t u v w x y z", []),
    ],
)
async def test_search_finds_all_words_and_those_that_begin_with_them(
    shop: Shopkeeper, query: str, ids: list[str]
) -> None:
    await shop.create(
        product("blue", name="Blue mug"),
        product("percent", name="100%_mug", description="a\\b"),
        product("street", name="Straßenkarte", description=""),
    )
    assert await shop.found(query) == ids


@pytest.mark.parametrize("query", [" \t", "%", "_", "\\", "?!", "'", '"*"'])
async def test_a_search_without_a_word_is_refused(shop: Shopkeeper, query: str) -> None:
    error = await shop.refused("SearchProducts", pb.SearchProductsRequest(query=query))
    assert (error.code(), reason(error), blamed(error)) == (StatusCode.INVALID_ARGUMENT, "QUERY_EMPTY", ["query"])


async def test_the_best_match_comes_first(shop: Shopkeeper) -> None:
    await shop.create(
        product("a-described-as-begun", name="Cup", description="For teatime."),
        product("b-of-the-category", name="Cup", description="", category="tea"),
        product("c-described", name="Cup", description="Holds tea."),
        product("d-named-as-begun", name="Teapot", description="Tea, tea and tea."),
        product("e-named", name="Smoked tea", description=""),
        product("f-another", name="Steamer", description=""),
    )
    ranked = ["e-named", "d-named-as-begun", "b-of-the-category", "c-described", "a-described-as-begun"]
    assert await shop.found("tea") == ranked
    assert await shop.read(pb.SearchProductsRequest(query="Tea", page_size=1)) == ranked


async def test_each_word_of_a_search_counts_for_the_rank(shop: Shopkeeper) -> None:
    await shop.create(
        product("a", name="Rope", description="With a brass end."),
        product("b", name="Brass rope end"),
        product("c", name="Brass end", description="For a rope and a ropewalk."),
    )
    assert await shop.found("brass rope") == ["b", "a", "c"]


async def test_a_search_can_be_filtered(shop: Shopkeeper) -> None:
    await shop.create(
        product("a", price=euros(3), category="galley"),
        product("b", price=euros(4), category="galley"),
        product("c", price=euros(4), category="deck"),
        product("d", name="Cup", price=euros(4), category="galley"),
    )
    wanted = pb.ProductFilter(category="galley", min_price=euros(4))
    assert await shop.read(pb.SearchProductsRequest(query="mug", filter=wanted)) == ["b"]


async def test_a_changed_product_is_found_by_its_new_words_only(shop: Shopkeeper) -> None:
    [mug, _] = await shop.create(product("mug"), product("mug-2"))
    mug.name, mug.description = "Cup", "Holds coffee."
    await shop.update(mug)
    assert await shop.found("mug") == ["mug-2"]
    assert await shop.found("coffee cup") == ["mug"]
    assert await shop.found("tea") == ["mug-2"]


async def test_what_was_refused_is_not_found(shop: Shopkeeper) -> None:
    [mug] = await shop.create(product())
    await shop.refused("CreateProduct", pb.CreateProductRequest(product=product(name="Cup")))
    await shop.refused("UpdateProduct", pb.UpdateProductRequest(product=product(name="Cup", etag="old")))
    assert await shop.found("cup") == []
    assert await shop.found("mug") == [mug.id]


async def test_any_text_that_the_contract_allows_can_be_searched_for(shop: Shopkeeper) -> None:
    odd = ["𐍈" * 120, "ﷺ" * 120, "\u0301 x", "NEAR(a b)", "a'b\\c\"d", "\u202e\u2028", "İ" * 120, "한국어 नमस्ते"]
    await shop.create(*(product(f"odd-{n}", name=name, description=name * 16) for n, name in enumerate(odd)))
    for number in (0, 1, 2, 3, 4, 6, 7):
        assert f"odd-{number}" in await shop.found(odd[number][:100])


async def test_a_search_may_hold_as_many_words_as_fit(shop: Shopkeeper) -> None:
    many = " ".join(chr(ord("一") + number) for number in range(50))
    await shop.create(product("many", name=many), product("fewer", name=many[2:]))
    assert await shop.found(many) == ["many"]
    assert await shop.found("½⅓¼⅕⅙⅐⅛⅑⅔¾⅖㏠㏡㏢㏣㏤㏥㏦㏧㏨" * 5) == []
