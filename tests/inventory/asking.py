"""How do tests ask inventory for something? With the fewest words."""

from __future__ import annotations

from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from shop.inventory.v1 import inventory_pb2 as pb


def new_id() -> str:
    return str(uuid4())


def lines(**pieces: int) -> list[pb.StockLine]:
    return [pb.StockLine(product_id=product, quantity=quantity) for product, quantity in pieces.items()]


def reserve(reservation_id: str = "", order_id: str = "", hold: int = 0, **pieces: int) -> pb.ReserveRequest:
    return pb.ReserveRequest(
        reservation_id=reservation_id or new_id(),
        order_id=order_id or new_id(),
        lines=lines(**pieces),
        hold=Duration(seconds=hold) if hold else None,
    )


def restock(idempotency_key: str = "", **pieces: int) -> pb.RestockRequest:
    return pb.RestockRequest(idempotency_key=idempotency_key or new_id(), lines=lines(**pieces))


def stock(product_id: str, *, available: int = 0, reserved: int = 0, committed: int = 0) -> pb.Stock:
    return pb.Stock(
        product_id=product_id,
        received=available + reserved + committed,
        available=available,
        reserved=reserved,
        committed=committed,
    )
