"""The catalog's bench asks a catalog as it is shipped, and holds what it sees against the targets."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import grpc
import pytest
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from loadtest.bench.catalog import PRODUCTS, SHOP, durations, made_of, queries, rows, served

ASSORTMENT = json.loads(SHOP.read_text())


def dice() -> Random:
    return Random(1)  # noqa: S311  # choices, not secrets


def test_rows_hold_the_typical_reads_and_the_slowest_searches_against_the_targets() -> None:
    quick, slow = [1.0] * 100, [1.0] * 90 + [31.0] * 10
    logged = {"BatchGetProducts": [1.0, 1.0, 9.0], "ListProducts": [1.0, 3.0, 3.0]}
    found = rows(logged, [(quick, quick, quick), (quick, quick, slow), (quick, quick, slow)])
    assert [(row.value, row.holds) for row in found[:4]] == [(1.0, True), (3.0, False), (31.0, False), (1.0, True)]


def test_products_and_searches_are_the_same_every_time_and_made_of_the_shop_s_words() -> None:
    first, again = (made_of(ASSORTMENT, dice()) for _ in range(2))
    assert first == again
    assert len({product["id"] for product in first}) == PRODUCTS
    searched = queries(ASSORTMENT, dice())
    assert searched == queries(ASSORTMENT, dice())
    assert all(1 <= len(query.split()) <= 3 for query in searched)


@pytest.mark.processes
async def test_a_catalog_is_served_with_the_products_and_logs_its_times(tmp_path: Path) -> None:
    products, log = made_of(ASSORTMENT, dice())[:30], tmp_path / "log"
    async with served(tmp_path, products, log) as address, grpc.aio.insecure_channel(address) as channel:
        page = await CatalogServiceStub(channel).ListProducts(pb.ListProductsRequest(page_size=100), timeout=30)
        assert len(page.products) == 30
    (milliseconds,) = durations(log.read_text())["ListProducts"]
    assert milliseconds > 0
