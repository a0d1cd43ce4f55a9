"""kill -9 in the middle of many reservations: what was answered is there, and every id can be tried again."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from tests.inventory.asking import reserve, restock, stock
from tests.inventory.balance import all_reservations, imbalances
from tests.inventory.service_process import ServiceProcess, running

pytestmark = pytest.mark.processes

ORDERS = 200
CUSTOMERS = 10


async def order(inventory: InventoryServiceStub, asked: pb.ReserveRequest, answered: set[str]) -> None:
    """Reserve, and commit every second one; what was answered is remembered."""
    await inventory.Reserve(asked)
    answered.add(asked.reservation_id)
    if int(asked.reservation_id[-1], 16) % 2:
        await inventory.Commit(pb.CommitRequest(reservation_id=asked.reservation_id))


async def order_until_killed(service: ServiceProcess, requests: list[pb.ReserveRequest], kill_after: int) -> set[str]:
    inventory = InventoryServiceStub(service.channel)
    answered: set[str] = set()

    async def customer(number: int) -> None:
        for asked in requests[number::CUSTOMERS]:
            try:
                await order(inventory, asked, answered)
            except grpc.aio.AioRpcError:
                return
            if len(answered) >= kill_after and service.process.returncode is None:
                service.process.kill()

    await asyncio.gather(*map(customer, range(CUSTOMERS)))
    await service.kill()
    return answered


async def test_books_balance_after_kill_9_and_every_order_can_be_repeated(url: str) -> None:
    requests = [reserve(mug=1, cup=2) for _ in range(ORDERS)]
    answered: set[str] = set()
    for killed_after in (30, 60):
        async with running("inventory", url) as service:
            inventory = InventoryServiceStub(service.channel)
            await inventory.Restock(restock("00000000-0000-0000-0000-000000000001", mug=ORDERS, cup=2 * ORDERS))
            answered |= await order_until_killed(service, requests, killed_after)
        assert killed_after <= len(answered) < ORDERS
        assert imbalances(url) == []
    async with running("inventory", url) as service:
        inventory = InventoryServiceStub(service.channel)
        assert answered <= (await all_reservations(inventory)).keys()
        await asyncio.gather(*(order(inventory, asked, answered) for asked in requests))
        found = await inventory.GetStock(pb.GetStockRequest(product_ids=["mug", "cup"]))
    committed = sum(int(asked.reservation_id[-1], 16) % 2 for asked in requests)
    assert list(found.stock) == [
        stock("mug", reserved=ORDERS - committed, committed=committed),
        stock("cup", reserved=2 * (ORDERS - committed), committed=2 * committed),
    ]
    assert imbalances(url) == []
