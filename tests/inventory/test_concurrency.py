"""However many ask at once, in however many processes, no piece is promised twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from typing import Any

import grpc
import pytest
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from sqlalchemy import text

from tests.hosting.databases import engine
from tests.inventory.asking import new_id, reserve, restock, stock
from tests.inventory.balance import imbalances
from tests.inventory.service_process import running

pytestmark = pytest.mark.processes


async def codes(calls: Iterable[Awaitable[Any]]) -> Counter[str]:
    answers = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(
        answer.code().name if isinstance(answer, grpc.aio.AioRpcError) else type(answer).__name__ for answer in answers
    )


async def test_the_last_pieces_are_sold_once(inventory: InventoryServiceStub, url: str) -> None:
    await inventory.Restock(restock(mug=20))
    assert await codes(inventory.Reserve(reserve(mug=1)) for _ in range(80)) == {
        "ReserveResponse": 20,
        "FAILED_PRECONDITION": 60,
    }
    assert imbalances(url) == []


async def test_one_id_asked_by_many_at_once_holds_once(inventory: InventoryServiceStub) -> None:
    await inventory.Restock(restock(mug=20))
    asked = reserve(mug=2)
    assert await codes(inventory.Reserve(asked) for _ in range(40)) == {"ReserveResponse": 40}
    found = await inventory.GetStock(pb.GetStockRequest(product_ids=["mug"]))
    assert list(found.stock) == [stock("mug", available=18, reserved=2)]


async def test_reserve_commit_and_release_of_one_id_at_once_leave_the_books_balanced(
    inventory: InventoryServiceStub, url: str
) -> None:
    await inventory.Restock(restock(mug=20))
    for _ in range(10):
        asked = reserve(mug=2)
        named = {"reservation_id": asked.reservation_id}
        await codes(
            call
            for _ in range(3)
            for call in (
                inventory.Reserve(asked),
                inventory.Commit(pb.CommitRequest(**named)),
                inventory.Release(pb.ReleaseRequest(**named)),
            )
        )
        await inventory.Release(pb.ReleaseRequest(**named))
    found = await inventory.GetStock(pb.GetStockRequest(product_ids=["mug"]))
    assert list(found.stock) == [stock("mug", available=20)]
    assert imbalances(url) == []


async def test_two_processes_on_one_database_sell_no_piece_twice(url: str) -> None:
    async with running("inventory", url) as one, running("inventory", url) as two:
        stubs = [InventoryServiceStub(process.channel) for process in (one, two)]
        await stubs[0].Restock(restock(mug=150, cup=150))
        mug_first = [stub.Reserve(reserve(mug=1, cup=1)) for stub in stubs for _ in range(60)]
        cup_first = [stub.Reserve(reserve(cup=1, mug=1)) for stub in stubs for _ in range(60)]
        assert await codes([*mug_first, *cup_first]) == {"ReserveResponse": 150, "FAILED_PRECONDITION": 90}
        for stub in stubs:
            found = await stub.GetStock(pb.GetStockRequest(product_ids=["mug"]))
            assert list(found.stock) == [stock("mug", reserved=150)]
    assert imbalances(url) == []


async def test_one_key_in_two_processes_restocks_and_holds_once(url: str) -> None:
    key = new_id()
    async with running("inventory", url) as one, running("inventory", url) as two:
        stubs = [InventoryServiceStub(process.channel) for process in (one, two)]
        received = [stub.Restock(restock(key, mug=9)) for stub in stubs for _ in range(10)]
        assert await codes(received) == {"RestockResponse": 20}
        asked = reserve(mug=4)
        assert await codes(stub.Reserve(asked) for stub in stubs for _ in range(20)) == {"ReserveResponse": 40}
        found = await stubs[1].GetStock(pb.GetStockRequest(product_ids=["mug"]))
        assert list(found.stock) == [stock("mug", available=5, reserved=4)]


async def test_the_count_of_imbalances_sees_a_lost_piece(inventory: InventoryServiceStub, url: str) -> None:
    """The negative control of every `imbalances(url) == []` here and in test_crash.py."""
    await inventory.Restock(restock(mug=5))
    await inventory.Reserve(reserve(mug=2))
    assert imbalances(url) == []
    beside = engine(url)
    with beside.begin() as connection:
        connection.execute(text("UPDATE stock SET reserved = 1, available = 4"))
    beside.dispose()
    assert [sentence.split(":")[0] for sentence in imbalances(url)] == ["mug"]
