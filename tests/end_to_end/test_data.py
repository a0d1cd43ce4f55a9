"""Products come into the running shop by `argosy seed`; what it has stored goes into one file by `argosy backup`."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest
from grpc import StatusCode
from grpc.aio import insecure_channel
from shop.catalog.v1 import catalog_pb2
from shop.catalog.v1.catalog_pb2_grpc import CatalogServiceStub
from shop.inventory.v1 import inventory_pb2
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from loadtest.shopper import Shopper
from mesh.backup.archive import unpack
from mesh.demo import stranger
from mesh.running_shop import Shop
from tests.end_to_end.conftest import STATE, argosy

BELL = {
    "id": "test-bell",
    "name": "Test bell",
    "description": "Rung by a test.",
    "category": "deck",
    "picture": "bell/brass",
    "price": {"currency_code": "EUR", "units": 40, "nanos": 0},
    "stock": 25,
}


def orders_in(volumes: Path, service: str, table: str) -> set[str]:
    """Whose orders' rows a book has. An order is written down before anything is reserved or charged for it."""
    with closing(connect(volumes / "shop" / f"{service}-data" / f"{service}.db")) as book:
        return {order for (order,) in book.execute(f"SELECT order_id FROM {table}")}  # noqa: S608 - names of ours


@pytest.mark.usefixtures("cluster")
def test_a_shop_has_the_products_of_its_manifests_and_seeding_again_changes_nothing() -> None:
    done = argosy("seed", "--json")
    assert done.code == 0, done.err
    assert done.json["products"] > 0
    assert (done.json["added"], done.json["stocked"]) == (0, 0)


async def test_a_product_of_ones_own_can_be_bought_from_then_on(gateway: str, tmp_path: Path) -> None:
    file = tmp_path / "products.json"
    file.write_text(json.dumps([BELL]))
    codes = [(await asyncio.to_thread(argosy, "seed", str(file), "--json")).code for _ in range(2)]
    assert codes == [0, 0]
    async with insecure_channel(gateway) as channel:
        found = await CatalogServiceStub(channel).GetProduct(catalog_pb2.GetProductRequest(product_id="test-bell"))
        stock = await InventoryServiceStub(channel).GetStock(
            inventory_pb2.GetStockRequest(product_ids=["test-bell"]), timeout=5
        )
    assert (found.product.name, found.product.category) == ("Test bell", "deck")
    assert stock.stock[0].received == 25


async def test_the_seeder_may_do_that_and_nothing_else(shop: Shop) -> None:
    may = "/shop.catalog.v1.CatalogService/CreateProduct"
    may_not = "/shop.catalog.v1.CatalogService/UpdateProduct"
    calls = [f"catalog:50051{may}", f"catalog:50051{may_not}"]
    answers = stranger.answers(await shop.run_once("as-seeder", "seeder", stranger.command(*calls)))
    assert answers == {calls[0]: "INVALID_ARGUMENT", calls[1]: "PERMISSION_DENIED"}


@pytest.mark.local_only("its data is files of this machine")
async def test_a_backup_made_amid_orders_holds_books_that_agree(shopper: Shopper, tmp_path: Path) -> None:
    command = asyncio.to_thread(argosy, "backup", str(tmp_path / "shop.tar.gz"), "--json")
    backup, outcomes = asyncio.create_task(command), []
    while not backup.done():
        outcomes.append(await shopper.place_order(presses=3))
    done = await backup
    assert done.code == 0, done.err
    assert {outcome.code for outcome in outcomes} == {StatusCode.OK}
    manifest = unpack(tmp_path / "shop.tar.gz", tmp_path / "unpacked")
    kept = {path.name.removesuffix("-data") for path in (STATE / "volumes" / "shop").iterdir()}
    assert {Path(entry.path).stem for entry in manifest.databases} == kept
    orders = orders_in(tmp_path / "unpacked", "orders", "orders")
    # What was released before it was reserved belongs to no order: after experiments there is some of that.
    assert orders_in(tmp_path / "unpacked", "inventory", "reservations") - {""} <= orders
    assert orders_in(tmp_path / "unpacked", "payments", "payments") <= orders


@pytest.mark.local_only("its data is files of this machine")
async def test_a_running_shop_is_not_restored(cluster: None, tmp_path: Path) -> None:
    done = await asyncio.to_thread(argosy, "restore", str(tmp_path / "shop.tar.gz"))
    assert done.code == 3
    assert "`argosy down` first" in done.err
