"""What inventory promises in its contract, asked over gRPC through the real interceptors."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from tests.hosting.running import FakeClock, blamed, reason
from tests.inventory.asking import lines, new_id, reserve, restock, stock

HELD = pb.RESERVATION_STATE_HELD
COMMITTED = pb.RESERVATION_STATE_COMMITTED
RELEASED = pb.RESERVATION_STATE_RELEASED
EXPIRED = pb.RESERVATION_STATE_EXPIRED


async def stock_of(inventory: InventoryServiceStub, *products: str) -> list[pb.Stock]:
    return list((await inventory.GetStock(pb.GetStockRequest(product_ids=products))).stock)


async def test_stock_comes_in_the_order_asked_and_what_was_never_received_is_zero(
    inventory: InventoryServiceStub,
) -> None:
    await inventory.Restock(restock(mug=5, cup=7))
    assert await stock_of(inventory, "mug", "tea", "cup", "mug") == [
        stock("mug", available=5),
        stock("tea"),
        stock("cup", available=7),
        stock("mug", available=5),
    ]


async def test_a_restock_counts_once_per_key(inventory: InventoryServiceStub) -> None:
    key = new_id()
    first = await inventory.Restock(restock(key, mug=5, cup=1))
    again = await inventory.Restock(restock(key.upper(), cup=1, mug=5))
    assert list(first.stock) == list(again.stock)[::-1] == [stock("mug", available=5), stock("cup", available=1)]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Restock(restock(key, mug=6, cup=1))
    assert (refused.value.code(), blamed(refused.value)) == (grpc.StatusCode.ALREADY_EXISTS, ["idempotency_key"])


async def test_reserve_holds_and_commit_hands_over(inventory: InventoryServiceStub, clock: FakeClock) -> None:
    await inventory.Restock(restock(mug=5, cup=5))
    asked = reserve(mug=2, cup=1, hold=30)
    held = (await inventory.Reserve(asked)).reservation
    assert (held.reservation_id, held.order_id, list(held.lines)) == (
        asked.reservation_id,
        asked.order_id,
        lines(mug=2, cup=1),
    )
    assert held.state == HELD
    assert held.expire_time.ToDatetime(clock.now().tzinfo) == clock.now() + timedelta(seconds=30)
    assert await stock_of(inventory, "mug") == [stock("mug", available=3, reserved=2)]
    for _ in range(2):
        committed = (await inventory.Commit(pb.CommitRequest(reservation_id=asked.reservation_id))).reservation
        assert committed.state == COMMITTED
        assert await stock_of(inventory, "mug") == [stock("mug", available=3, committed=2)]


async def test_an_absent_hold_is_the_servers_default(inventory: InventoryServiceStub, clock: FakeClock) -> None:
    await inventory.Restock(restock(mug=1))
    held = (await inventory.Reserve(reserve(mug=1))).reservation
    assert held.expire_time.ToDatetime(clock.now().tzinfo) == clock.now() + timedelta(seconds=600)


async def test_reserve_again_answers_the_same_and_holds_once(inventory: InventoryServiceStub, clock: FakeClock) -> None:
    await inventory.Restock(restock(mug=5, cup=5))
    asked = reserve(mug=2, cup=1, hold=30)
    first = await inventory.Reserve(asked)
    clock.advance(10)
    again = pb.ReserveRequest(
        reservation_id=asked.reservation_id.upper(),
        order_id=asked.order_id,
        lines=list(asked.lines)[::-1],
    )
    assert await inventory.Reserve(again) == first
    assert await stock_of(inventory, "mug") == [stock("mug", available=3, reserved=2)]


@pytest.mark.parametrize("other", [{"mug": 3}, {"mug": 2, "cup": 1}, {"cup": 2}, {"mug": 2, "order_id": "another"}])
async def test_one_id_cannot_reserve_two_things(inventory: InventoryServiceStub, other: dict[str, int]) -> None:
    await inventory.Restock(restock(mug=5, cup=5))
    asked = reserve(mug=2)
    await inventory.Reserve(asked)
    order = new_id() if "order_id" in other else asked.order_id
    pieces = {name: pieces for name, pieces in other.items() if name != "order_id"}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Reserve(reserve(asked.reservation_id, order, **pieces))
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert (reason(refused.value), blamed(refused.value)) == ("KEY_REUSED", ["reservation_id"])
    assert await stock_of(inventory, "mug", "cup") == [stock("mug", available=3, reserved=2), stock("cup", available=5)]


async def test_all_lines_or_none(inventory: InventoryServiceStub) -> None:
    await inventory.Restock(restock(mug=5, cup=1))
    asked = reserve(mug=2, cup=2)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Reserve(asked)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert (reason(refused.value), blamed(refused.value)) == ("OUT_OF_STOCK", ["lines[1].product_id"])
    assert facts(refused.value) == {"product_id": "cup", "requested": "2", "available": "1"}
    assert await stock_of(inventory, "mug", "cup") == [stock("mug", available=5), stock("cup", available=1)]
    await inventory.Restock(restock(cup=1))
    assert (await inventory.Reserve(asked)).reservation.state == HELD  # a refusal is not remembered


async def test_a_product_never_received_is_not_found(inventory: InventoryServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Reserve(reserve(ghost=1))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert (reason(refused.value), blamed(refused.value)) == ("PRODUCT_NEVER_RECEIVED", ["lines[0].product_id"])


async def test_release_gives_back_what_is_held_and_takes_back_what_was_committed(
    inventory: InventoryServiceStub,
) -> None:
    await inventory.Restock(restock(mug=5))
    held, committed = reserve(mug=1), reserve(mug=3)
    await inventory.Reserve(held)
    await inventory.Reserve(committed)
    await inventory.Commit(pb.CommitRequest(reservation_id=committed.reservation_id))
    assert await stock_of(inventory, "mug") == [stock("mug", available=1, reserved=1, committed=3)]
    for _ in range(2):
        for asked in (held, committed):
            released = await inventory.Release(pb.ReleaseRequest(reservation_id=asked.reservation_id))
            assert released.reservation.state == RELEASED
    assert await stock_of(inventory, "mug") == [stock("mug", available=5)]
    assert (await inventory.Reserve(held)).reservation.state == RELEASED  # as it is; nothing is held
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Commit(pb.CommitRequest(reservation_id=held.reservation_id))
    assert (refused.value.code(), reason(refused.value)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RESERVATION_RELEASED",
    )


async def test_a_release_that_overtakes_its_reserve_wins(inventory: InventoryServiceStub) -> None:
    await inventory.Restock(restock(mug=5))
    late = reserve(mug=2)
    first = await inventory.Release(pb.ReleaseRequest(reservation_id=late.reservation_id))
    again = await inventory.Release(pb.ReleaseRequest(reservation_id=late.reservation_id))
    assert first == again
    assert first.reservation == pb.Reservation(reservation_id=late.reservation_id, state=RELEASED)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Reserve(late)
    assert (refused.value.code(), reason(refused.value)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RESERVATION_RELEASED",
    )
    assert blamed(refused.value) == ["reservation_id"]
    assert await stock_of(inventory, "mug") == [stock("mug", available=5)]


async def test_an_overdue_reservation_cannot_be_committed_although_nobody_has_swept(
    inventory: InventoryServiceStub, clock: FakeClock
) -> None:
    await inventory.Restock(restock(mug=5))
    asked = reserve(mug=2, hold=30)
    await inventory.Reserve(asked)
    clock.advance(30)
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await inventory.Commit(pb.CommitRequest(reservation_id=asked.reservation_id))
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert reason(refused.value) == "RESERVATION_EXPIRED"
    assert await stock_of(inventory, "mug") == [stock("mug", available=5)]
    assert (await inventory.Reserve(asked)).reservation.state == EXPIRED
    released = await inventory.Release(pb.ReleaseRequest(reservation_id=asked.reservation_id))
    assert released.reservation.state == EXPIRED


async def test_reserve_again_tells_that_time_has_run_out(inventory: InventoryServiceStub, clock: FakeClock) -> None:
    await inventory.Restock(restock(mug=5))
    asked = reserve(mug=2, hold=30)
    await inventory.Reserve(asked)
    clock.advance(30)
    assert (await inventory.Reserve(asked)).reservation.state == EXPIRED
    assert await stock_of(inventory, "mug") == [stock("mug", available=5)]


async def test_what_was_committed_in_time_stays_committed(inventory: InventoryServiceStub, clock: FakeClock) -> None:
    await inventory.Restock(restock(mug=5))
    asked = reserve(mug=2, hold=30)
    await inventory.Reserve(asked)
    clock.advance(29.999)
    first = await inventory.Commit(pb.CommitRequest(reservation_id=asked.reservation_id))
    clock.advance(1000)
    assert await inventory.Commit(pb.CommitRequest(reservation_id=asked.reservation_id)) == first


async def test_committing_what_was_never_reserved_is_not_found(inventory: InventoryServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await inventory.Commit(pb.CommitRequest(reservation_id=new_id()))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert (reason(refused.value), blamed(refused.value)) == ("RESERVATION_NOT_FOUND", ["reservation_id"])


async def test_the_pages_of_stock_are_everything_once_and_in_order(inventory: InventoryServiceStub) -> None:
    products = [f"p{number:02}" for number in range(25)]
    await inventory.Restock(pb.RestockRequest(idempotency_key=new_id(), lines=lines(**dict.fromkeys(products, 1))))
    token = ""
    pages: list[list[str]] = []
    while not pages or token:
        page = await inventory.ListStock(pb.ListStockRequest(page_size=10, page_token=token))
        pages.append([entry.product_id for entry in page.stock])
        token = page.next_page_token
    assert pages == [products[:10], products[10:20], products[20:]]
    everything = await inventory.ListStock(pb.ListStockRequest())
    assert (len(everything.stock), everything.next_page_token) == (25, "")


async def test_the_pages_of_reservations_are_everything_once_and_in_order(inventory: InventoryServiceStub) -> None:
    await inventory.Restock(restock(mug=100))
    asked = [reserve(mug=1) for _ in range(4)]
    for request in asked:
        await inventory.Reserve(request)
    tombstone = (await inventory.Release(pb.ReleaseRequest(reservation_id=new_id()))).reservation
    token = ""
    seen: list[pb.Reservation] = []
    while not seen or token:
        page = await inventory.ListReservations(pb.ListReservationsRequest(page_size=2, page_token=token))
        seen.extend(page.reservations)
        token = page.next_page_token
    assert [entry.reservation_id for entry in seen] == sorted(
        [*(request.reservation_id for request in asked), tombstone.reservation_id]
    )
    assert tombstone in seen


def facts(error: grpc.aio.AioRpcError) -> dict[str, str]:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    status.details[0].Unpack(info)
    return dict(info.metadata)
