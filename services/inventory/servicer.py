"""What does inventory answer? The contract's seven RPCs on top of `books`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from grpc.aio import ServicerContext
from shop.inventory.v1 import inventory_pb2 as pb
from shop.inventory.v1 import inventory_pb2_grpc

from services.hosting import paging
from services.hosting.clock import timestamp
from services.hosting.database import Database
from services.hosting.errors import AlreadyExists, InvalidRequest, PreconditionFailed, Violation
from services.inventory import books
from services.inventory.books import Stock
from services.inventory.reservations import Line, Reservation, State, committed

Context = ServicerContext[Any, Any]

DEFAULT_PAGE = 100
MICROSECONDS = 1_000_000  # in a second


class InventoryServicer(inventory_pb2_grpc.InventoryServiceServicer):
    """Inventory's contract; `now` is in microseconds since 1970, `default_hold` in seconds."""

    def __init__(self, database: Database, now: Callable[[], int], *, default_hold: float) -> None:
        self._database = database
        self._now = now
        self._default_hold = int(default_hold * MICROSECONDS)

    async def GetStock(self, request: pb.GetStockRequest, _context: Context) -> pb.GetStockResponse:
        stock = await self._database.read(books.stock_of, request.product_ids)
        return pb.GetStockResponse(stock=map(_stock, stock))

    async def Reserve(self, request: pb.ReserveRequest, _context: Context) -> pb.ReserveResponse:
        now = self._now()
        hold = request.hold.ToMicroseconds() if request.HasField("hold") else self._default_hold
        wanted = Reservation(
            reservation_id=_same_uuid(request.reservation_id),
            order_id=_same_uuid(request.order_id),
            lines=_each_product_once(request.lines),
            state=State.HELD,
            expires_at=now + hold,
        )
        reservation = await self._database.write(books.reserve, wanted, now)
        if reservation.is_tombstone:
            raise _not_held(reservation)
        if not reservation.asks_the_same(wanted):
            raise AlreadyExists("KEY_REUSED", "this id reserved something else before", field="reservation_id")
        return pb.ReserveResponse(reservation=_reservation(reservation))

    async def Commit(self, request: pb.CommitRequest, _context: Context) -> pb.CommitResponse:
        decide = partial(committed, now=self._now())
        reservation = await self._database.write(books.change, _same_uuid(request.reservation_id), decide)
        if reservation.state is not State.COMMITTED:
            raise _not_held(reservation)
        return pb.CommitResponse(reservation=_reservation(reservation))

    async def Release(self, request: pb.ReleaseRequest, _context: Context) -> pb.ReleaseResponse:
        reservation = await self._database.write(books.release, _same_uuid(request.reservation_id), self._now())
        return pb.ReleaseResponse(reservation=_reservation(reservation))

    async def Restock(self, request: pb.RestockRequest, _context: Context) -> pb.RestockResponse:
        lines = _each_product_once(request.lines)
        stock = await self._database.write(books.restock, _same_uuid(request.idempotency_key), lines)
        return pb.RestockResponse(stock=map(_stock, stock))

    async def ListStock(self, request: pb.ListStockRequest, _context: Context) -> pb.ListStockResponse:
        size = request.page_size or DEFAULT_PAGE
        after = paging.decode("stock", request.page_token)
        found = await self._database.read(books.page_of_stock, after, size + 1)
        stock, more = paging.page("stock", found, size, lambda each: each.product_id)
        return pb.ListStockResponse(stock=map(_stock, stock), next_page_token=more)

    async def ListReservations(
        self,
        request: pb.ListReservationsRequest,
        _context: Context,
    ) -> pb.ListReservationsResponse:
        size = request.page_size or DEFAULT_PAGE
        after = paging.decode("reservations", request.page_token)
        found = await self._database.read(books.page_of_reservations, after, size + 1)
        reservations, more = paging.page("reservations", found, size, lambda each: each.reservation_id)
        return pb.ListReservationsResponse(reservations=map(_reservation, reservations), next_page_token=more)


def _same_uuid(text: str) -> str:
    """One spelling for one UUID: an id in capitals must not hold the pieces a second time."""
    return str(UUID(text))


def _each_product_once(lines: Sequence[pb.StockLine]) -> tuple[Line, ...]:
    seen: set[str] = set()
    repeated = []
    for index, line in enumerate(lines):
        if line.product_id in seen:
            repeated.append(Violation(f"lines[{index}].product_id", "is in an earlier line already"))
        seen.add(line.product_id)
    if repeated:
        raise InvalidRequest.of(repeated)
    return tuple(Line(line.product_id, line.quantity) for line in lines)


def _not_held(reservation: Reservation) -> PreconditionFailed:
    state = reservation.state.value
    return PreconditionFailed(f"RESERVATION_{state}", f"the reservation is {state.lower()}", field="reservation_id")


def _stock(stock: Stock) -> pb.Stock:
    return pb.Stock(**stock._asdict())


def _reservation(reservation: Reservation) -> pb.Reservation:
    return pb.Reservation(
        reservation_id=reservation.reservation_id,
        order_id=reservation.order_id,
        lines=[pb.StockLine(product_id=line.product_id, quantity=line.quantity) for line in reservation.lines],
        state=pb.ReservationState.Value(f"RESERVATION_STATE_{reservation.state.value}"),
        expire_time=None if reservation.is_tombstone else timestamp(reservation.expires_at),
    )
