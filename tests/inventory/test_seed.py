"""SEED_FILE gives products their first stock, once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from services.hosting import Host
from services.hosting.errors import CannotStart
from services.inventory.__main__ import InventorySettings, build
from services.inventory.seed import read_seed
from tests.hosting.running import serve
from tests.inventory.asking import reserve, restock, stock
from tests.inventory.service_process import running

pytestmark = pytest.mark.processes

SEED: list[dict[str, Any]] = [
    {"id": "mug", "name": "Mug", "price": {"units": 5}, "stock": 10},
    {"id": "cup", "stock": 0},
]


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    return write(tmp_path / "products.json", SEED)


def write(file: Path, products: list[dict[str, Any]]) -> Path:
    file.write_text(json.dumps(products))
    return file


async def whole_stock(inventory: InventoryServiceStub) -> list[pb.Stock]:
    return list((await inventory.ListStock(pb.ListStockRequest())).stock)


async def test_only_products_without_books_are_seeded(url: str, seed: Path) -> None:
    given = InventorySettings(listen_address="127.0.0.1:0", drain_seconds=0, database_url=url, seed_file=seed)
    host = Host(given)
    async with build(given, host) as hosted, serve(hosted, host) as channel:
        inventory = InventoryServiceStub(channel)
        assert await whole_stock(inventory) == [stock("cup"), stock("mug", available=10)]
        await inventory.Reserve(reserve(mug=4))
        await inventory.Restock(restock(cup=3))
    more = write(seed.with_name("more.json"), [*SEED, {"id": "tea", "stock": 7}])
    given = replace(given, seed_file=more)
    host = Host(given)
    async with build(given, host) as hosted, serve(hosted, host) as channel:
        assert await whole_stock(InventoryServiceStub(channel)) == [
            stock("cup", available=3),
            stock("mug", available=6, reserved=4),
            stock("tea", available=7),
        ]


async def test_two_replicas_that_start_at_once_on_a_new_database_seed_it_once(url: str, seed: Path) -> None:
    async with (
        running("inventory", url, SEED_FILE=str(seed)) as one,
        running("inventory", url, SEED_FILE=str(seed)) as two,
    ):
        for replica in (one, two):
            found = await whole_stock(InventoryServiceStub(replica.channel))
            assert found == [stock("cup"), stock("mug", available=10)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "Invalid JSON"),
        ("{}", "list"),
        ('[{"id": "mug"}]', "0.stock: Field required"),
        ('[{"id": "mug", "stock": -1}]', "0.stock: Input should be greater than or equal to 0"),
        ('[{"id": "mug", "stock": "many"}]', "0.stock: Input should be a valid integer"),
        ('[{"id": "A mug", "stock": 1}]', "0.id: String should match pattern"),
    ],
)
def test_a_wrong_seed_file_ends_the_start_with_a_sentence(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "products.json"
    file.write_text(content)
    with pytest.raises(CannotStart, match="SEED_FILE=") as refused:
        read_seed(file)
    assert complaint in str(refused.value)


def test_a_missing_seed_file_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be read: No such file"):
        read_seed(tmp_path / "none.json")
