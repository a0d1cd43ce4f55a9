"""A new shop starts with the products of SEED_FILE; an old one keeps what it has."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from shop.catalog.v1 import catalog_pb2 as pb
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub

from services.catalog.seed import read_seed
from services.hosting.errors import CannotStart
from services.storefront.pictures.drawing import motifs
from services.storefront.pictures.palettes import PALETTES
from tests.catalog.shopkeeper import Shopkeeper, catalog, product
from tests.hosting.processes import Process, started

pytestmark = pytest.mark.processes

MUG = {"id": "mug", "name": "Mug", "description": "", "price": {"currency_code": "EUR", "units": 12, "nanos": 5}}


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    file = tmp_path / "products.json"
    file.write_text(json.dumps([MUG | {"stock": 7}, MUG | {"id": "cup", "stock": 8}]))
    return file


async def ids(shop: Shopkeeper) -> list[str]:
    return [one.id for one in (await shop.call("ListProducts", pb.ListProductsRequest())).products]


async def test_the_seed_is_sown_once(url: str, seed: Path) -> None:
    async with catalog(url, seed_file=seed) as channel:
        shop = Shopkeeper(channel)
        assert await ids(shop) == ["cup", "mug"]
        mug = (await shop.call("GetProduct", pb.GetProductRequest(product_id="mug"))).product
        assert (mug.price.units, mug.price.nanos) == (12, 5)
        changed = product(name="Beaker", etag=mug.etag)
        await shop.call("UpdateProduct", pb.UpdateProductRequest(product=changed))
    async with catalog(url, seed_file=seed) as channel:
        shop = Shopkeeper(channel)
        assert await ids(shop) == ["cup", "mug"]
        mug = (await shop.call("GetProduct", pb.GetProductRequest(product_id="mug"))).product
        assert mug.name == "Beaker"


async def test_replicas_that_start_at_once_share_one_catalog(url: str, seed: Path) -> None:
    async with (
        started("services.catalog", DATABASE_URL=url, SEED_FILE=str(seed), SERVICE_VERSION="v1") as first,
        started("services.catalog", DATABASE_URL=url, SEED_FILE=str(seed), SERVICE_VERSION="v2") as second,
    ):
        addresses = await asyncio.gather(first.address(), second.address())
        created = await asyncio.gather(
            *(_create(at, [f"{place}-{n}" for n in range(20)]) for place, at in enumerate(addresses))
        )
        assert created == [20, 20]
        for address in addresses:
            async with grpc.aio.insecure_channel(address) as channel:
                request = pb.ListProductsRequest(page_size=100)
                assert len((await CatalogServiceStub(channel).ListProducts(request, timeout=30)).products) == 42
        assert sorted([_added(first), _added(second)]) == [0, 2]


async def _create(address: str, product_ids: list[str]) -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        return len(await Shopkeeper(channel).create(*(product(one) for one in product_ids)))


def _added(service: Process) -> int:
    return next(int(line["seeded"]) for line in service.lines if line["message"] == "database ready")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is not a list of products: "),
        ('{"id": "mug"}', "it holds something else"),
        ("[1]", "entry 0 is not an object"),
        (json.dumps([MUG, MUG | {"id": "Mug"}]), "entry 1: id must match"),
        (
            json.dumps([MUG | {"price": {"currency_code": "EUR", "units": -1}}]),
            "entry 0: price.units must be at least 0",
        ),
        (json.dumps([MUG | {"price": 5}]), "is not a list of products: "),
        (json.dumps([{"id": "mug"}]), "entry 0: name must not be empty"),
    ],
)
def test_a_seed_that_is_wrong_says_where(tmp_path: Path, content: Any, problem: str) -> None:
    file = tmp_path / "products.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CannotStart) as caught:
        read_seed(file)
    assert str(caught.value).startswith(f"SEED_FILE={file} ")
    assert problem in str(caught.value)


def test_the_shop_s_own_seed_is_right_and_every_picture_in_it_is_drawn() -> None:
    products = read_seed(Path(__file__).parents[2] / "k8s" / "base" / "products" / "products.json")
    assert len(products) >= 200
    asked = [product.picture.split("/") for product in products]
    assert {motif for motif, _ in asked} <= motifs().keys()
    assert {palette for _, palette in asked} <= PALETTES.keys()


async def test_a_seed_that_is_wrong_ends_the_process_with_one_sentence(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/data/catalog.db"
    async with started("services.catalog", DATABASE_URL=url, SEED_FILE=str(tmp_path / "missing.json")) as service:
        assert await service.ended() == (1, "")
    assert service.lines[-1]["message"].startswith("cannot start: SEED_FILE=")
