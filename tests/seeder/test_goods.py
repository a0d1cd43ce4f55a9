"""A seed file is held to the contracts of those who keep products and stock, and every problem is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.seeder.goods import NotGoods, parse, read_goods
from tests.seeder.goods import entry

CHECKOUT = Path(__file__).parents[2]


def test_an_entry_is_a_product_and_its_stock() -> None:
    (goods,) = parse([entry("mug", 7, category="galley", picture="mug/teal")])
    assert (goods.product.id, goods.product.category, goods.product.picture, goods.stock) == (
        "mug",
        "galley",
        "mug/teal",
        7,
    )
    assert (goods.product.price.units, goods.product.price.nanos) == (12, 500_000_000)


def test_the_products_of_the_manifests_are_goods() -> None:
    goods = read_goods(CHECKOUT / "k8s" / "base" / "products" / "products.json")
    assert len(goods) == len(json.loads((CHECKOUT / "k8s" / "base" / "products" / "products.json").read_text()))


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({}, "it is no list"),
        (["mug"], "entry 0 is no object"),
        ([entry("mug"), entry("cup", "many")], "entry 1: stock is no whole number"),
        ([entry("mug", True)], "entry 0: stock is no whole number"),
        ([entry("mug", -1)], "entry 0: stock"),
        ([entry("mug", 1_000_001)], "entry 0: stock"),
        ([entry("mug", 2**40)], "entry 0: "),
        ([entry("Mug")], "entry 0: id"),
        ([entry("mug", name="")], "entry 0: name"),
        ([entry("mug", price=None)], "entry 0: price"),
        ([entry("mug", price={"currency_code": "euro", "units": 1})], "entry 0: price.currency_code"),
        ([entry("mug", colour="blue")], "colour"),
        ([entry("mug"), entry("mug")], "mug is there 2 times"),
    ],
)
def test_what_is_no_product_is_named(entries: Any, problem: str) -> None:
    with pytest.raises(NotGoods, match=problem):
        parse(entries)


def test_all_problems_are_found_and_the_first_few_told() -> None:
    with pytest.raises(NotGoods) as found:
        parse([entry(f"mug-{number}", "many") for number in range(8)])
    assert len(found.value.problems) == 8
    assert str(found.value).endswith("; and 3 more")


@pytest.mark.parametrize(("content", "problem"), [("[", "is not JSON"), (None, "cannot be read: No such file")])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: str | None, problem: str) -> None:
    if content:
        (tmp_path / "products.json").write_text(content)
    with pytest.raises(NotGoods, match=problem):
        read_goods(tmp_path / "products.json")
