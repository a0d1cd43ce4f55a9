"""Whatever is wrong with a request, the answer is INVALID_ARGUMENT and names the field."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub

from services.hosting import paging
from tests.hosting.running import blamed
from tests.inventory.asking import lines, new_id, restock

ID = new_id()
LINE = pb.StockLine(product_id="mug", quantity=1)
MANY = [pb.StockLine(product_id=f"p{number}", quantity=1) for number in range(51)]
TWICE = [*lines(mug=1, cup=1), *lines(mug=2)]

BAD = [
    ("GetStock", pb.GetStockRequest(), "product_ids"),
    ("GetStock", pb.GetStockRequest(product_ids=["p"] * 101), "product_ids"),
    ("GetStock", pb.GetStockRequest(product_ids=["mug", ""]), "product_ids[1]"),
    ("GetStock", pb.GetStockRequest(product_ids=["p" * 65]), "product_ids[0]"),
    ("Reserve", pb.ReserveRequest(order_id=ID, lines=[LINE]), "reservation_id"),
    ("Reserve", pb.ReserveRequest(reservation_id="1", order_id=ID, lines=[LINE]), "reservation_id"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, lines=[LINE]), "order_id"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=f"{ID}\n", lines=[LINE]), "order_id"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID), "lines"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=MANY), "lines"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=TWICE), "lines[2].product_id"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(**{"": 1})), "lines[0].product_id"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(Mug=1)), "lines[0].product_id"),
    (
        "Reserve",
        pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(müg=1)),
        "lines[0].product_id",
    ),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(**{"p" * 65: 1})), "lines[0].product_id"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(mug=0)), "lines[0].quantity"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(mug=1, cup=-1)), "lines[1].quantity"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=lines(mug=1_000_001)), "lines[0].quantity"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=[LINE], hold=Duration()), "hold"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=[LINE], hold=Duration(seconds=-5)), "hold"),
    ("Reserve", pb.ReserveRequest(reservation_id=ID, order_id=ID, lines=[LINE], hold=Duration(seconds=3601)), "hold"),
    ("Commit", pb.CommitRequest(), "reservation_id"),
    ("Commit", pb.CommitRequest(reservation_id="not-a-uuid"), "reservation_id"),
    ("Release", pb.ReleaseRequest(), "reservation_id"),
    ("Release", pb.ReleaseRequest(reservation_id=ID.replace("-", "")), "reservation_id"),
    ("Restock", pb.RestockRequest(lines=[LINE]), "idempotency_key"),
    ("Restock", pb.RestockRequest(idempotency_key=ID), "lines"),
    ("Restock", pb.RestockRequest(idempotency_key=ID, lines=MANY), "lines"),
    ("Restock", pb.RestockRequest(idempotency_key=ID, lines=TWICE), "lines[2].product_id"),
    ("Restock", pb.RestockRequest(idempotency_key=ID, lines=lines(mug=-1)), "lines[0].quantity"),
    ("ListStock", pb.ListStockRequest(page_size=-1), "page_size"),
    ("ListStock", pb.ListStockRequest(page_size=1001), "page_size"),
    ("ListStock", pb.ListStockRequest(page_token="x" * 257), "page_token"),
    ("ListStock", pb.ListStockRequest(page_token="made up"), "page_token"),
    ("ListStock", pb.ListStockRequest(page_token=paging.encode("reservations", ID)), "page_token"),
    ("ListReservations", pb.ListReservationsRequest(page_size=-1), "page_size"),
    ("ListReservations", pb.ListReservationsRequest(page_size=2**31 - 1), "page_size"),
    ("ListReservations", pb.ListReservationsRequest(page_token="AAAA"), "page_token"),
    ("ListReservations", pb.ListReservationsRequest(page_token=paging.encode("stock", "mug")), "page_token"),
]


@pytest.mark.parametrize(
    ("method", "request_", "field"), BAD, ids=[f"{bad[0]}-{bad[2]}-{i}" for i, bad in enumerate(BAD)]
)
async def test_bad_input_is_named_and_changes_nothing(
    inventory: InventoryServiceStub, method: str, request_: Any, field: str
) -> None:
    await inventory.Restock(restock(mug=5))
    before = await inventory.ListStock(pb.ListStockRequest())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(inventory, method)(request_)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in blamed(refused.value)
    assert await inventory.ListStock(pb.ListStockRequest()) == before


async def test_the_contract_is_covered() -> None:
    service = pb.DESCRIPTOR.services_by_name["InventoryService"]
    assert {method.name for method in service.methods} == {bad[0] for bad in BAD}
