"""Do the books balance? Counted from the reservations, not by the code under test."""

from __future__ import annotations

from collections import Counter

from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1.inventory_pb2_grpc import InventoryServiceStub
from sqlalchemy import select

from services.inventory.tables import RESERVATIONS, STOCK
from tests.hosting.databases import engine


def imbalances(url: str) -> list[str]:
    """One sentence for each product whose books and reservations disagree."""
    beside = engine(url)
    with beside.connect() as connection:
        stock = connection.execute(select(STOCK)).all()
        reservations = connection.execute(select(RESERVATIONS)).all()
    beside.dispose()
    pieces: Counter[tuple[str, str]] = Counter()
    for reservation in reservations:
        for product, quantity in reservation.lines:
            pieces[product, reservation.state] += quantity
    return [
        f"{row.product_id}: {row._asdict()}"
        for row in stock
        if row.reserved != pieces[row.product_id, "HELD"]
        or row.committed != pieces[row.product_id, "COMMITTED"]
        or row.received != row.available + row.reserved + row.committed
        or row.available < 0
    ]


async def all_reservations(inventory: InventoryServiceStub) -> dict[str, pb.Reservation]:
    """Every reservation by id, through the contract."""
    found: dict[str, pb.Reservation] = {}
    token = ""
    while not found or token:
        page = await inventory.ListReservations(pb.ListReservationsRequest(page_size=1000, page_token=token))
        found |= {reservation.reservation_id: reservation for reservation in page.reservations}
        token = page.next_page_token
        if not page.reservations:
            break
    return found
