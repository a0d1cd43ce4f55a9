"""How do pieces move between the columns of the books? One function of one transaction for each operation.

Every movement is a conditional UPDATE, so that no two of them, in whatever process, can take the same piece.
Rows are locked in one order, the reservation first and then its products by id, so that none wait in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import permutations
from typing import NamedTuple

from sqlalchemy import Connection, Row, Update, bindparam, literal_column, select, update

from services.hosting.database import insert_new
from services.hosting.errors import AlreadyExists, NotFound, PreconditionFailed
from services.inventory.reservations import PIECES_IN, Column, Line, Reservation, State, lapsed, released, tombstone
from services.inventory.tables import RESERVATIONS, RESTOCKS, STOCK


class Stock(NamedTuple):
    """The books of one product, in pieces."""

    product_id: str
    received: int
    available: int
    reserved: int
    committed: int


class BooksBroken(Exception):
    """A reservation's pieces are not where its state says: somebody else has written to the database."""

    def __init__(self, reservation: Reservation) -> None:
        super().__init__(f"the pieces of reservation {reservation.reservation_id} are missing from the books")
        self.reservation = reservation


def _moving(source: Column, target: Column) -> Update:
    return (
        update(STOCK)
        .where(STOCK.c.product_id == bindparam("product"), STOCK.c[source] >= bindparam("pieces"))
        .values({source: STOCK.c[source] - bindparam("pieces"), target: STOCK.c[target] + bindparam("pieces")})
    )


_MOVING = {route: _moving(*route) for route in permutations(Column, 2)}
_RECEIVING = (
    update(STOCK)
    .where(STOCK.c.product_id == bindparam("product"))
    .values(received=STOCK.c.received + bindparam("pieces"), available=STOCK.c.available + bindparam("pieces"))
)
_RESERVATION = select(RESERVATIONS).where(RESERVATIONS.c.reservation_id == bindparam("key")).with_for_update()
_NEW_STATE = (
    update(RESERVATIONS).where(RESERVATIONS.c.reservation_id == bindparam("key")).values(state=bindparam("new_state"))
)
# The state is a literal, not a parameter: only so can the planner see that the index over held reservations is enough.
_DUE = (
    select(RESERVATIONS.c.reservation_id)
    .where(RESERVATIONS.c.state == literal_column("'HELD'"), RESERVATIONS.c.expires_at <= bindparam("now"))
    .order_by(RESERVATIONS.c.expires_at)
    .limit(bindparam("most"))
)


def reserve(connection: Connection, wanted: Reservation, now: int) -> Reservation:
    """Hold the pieces of `wanted`, all lines or none; or the reservation that already has its id, as it is.

    Raises PreconditionFailed (OUT_OF_STOCK), or NotFound for a product that was never received.
    """
    if not _add(connection, wanted):
        return change(connection, wanted.reservation_id, partial(lapsed, now=now))
    short = _move(connection, wanted.lines, Column.AVAILABLE, PIECES_IN[wanted.state])
    if short:
        raise _too_few(connection, wanted.lines.index(short), short)
    return wanted


def release(connection: Connection, reservation_id: str, now: int) -> Reservation:
    """Give the pieces back; an id never seen is remembered, so that a Reserve that arrives late holds nothing."""
    forgone = tombstone(reservation_id)
    if _add(connection, forgone):
        return forgone
    return change(connection, reservation_id, partial(released, now=now))


def change(connection: Connection, reservation_id: str, decide: Callable[[Reservation], Reservation]) -> Reservation:
    """Bring a reservation into the state `decide` says, its pieces with it. Raises NotFound."""
    row = connection.execute(_RESERVATION, {"key": reservation_id}).one_or_none()
    if row is None:
        raise NotFound("RESERVATION_NOT_FOUND", "there is no reservation with this id", field="reservation_id")
    before = _reservation(row)
    after = decide(before)
    if after.state is not before.state:
        connection.execute(_NEW_STATE, {"key": reservation_id, "new_state": after.state.value})
        if _move(connection, after.lines, PIECES_IN[before.state], PIECES_IN[after.state]):
            raise BooksBroken(after)
    return after


def due(connection: Connection, now: int, limit: int) -> Sequence[str]:
    """Ids of reservations whose time has run out, the longest overdue first."""
    return connection.scalars(_DUE, {"now": now, "most": limit}).all()


def restock(connection: Connection, key: str, lines: Sequence[Line]) -> list[Stock]:
    """Add pieces from a supplier, once per key, and tell the books after it.

    Raises AlreadyExists when the key came with other lines before.
    """
    if insert_new(connection, RESTOCKS, idempotency_key=key, lines=sorted(lines)):
        for line in sorted(lines):
            add_product(connection, line.product_id, 0)
            connection.execute(_RECEIVING, {"product": line.product_id, "pieces": line.quantity})
    else:
        known = connection.scalars(select(RESTOCKS.c.lines).where(RESTOCKS.c.idempotency_key == key)).one()
        if _lines(known) != tuple(sorted(lines)):
            raise AlreadyExists("KEY_REUSED", "this key restocked other lines before", field="idempotency_key")
    return stock_of(connection, [line.product_id for line in lines])


def add_product(connection: Connection, product_id: str, pieces: int) -> bool:
    """Open the books of a product with these pieces received; False, and no change, when they are open."""
    return insert_new(
        connection, STOCK, product_id=product_id, received=pieces, available=pieces, reserved=0, committed=0
    )


def stock_of(connection: Connection, product_ids: Sequence[str]) -> list[Stock]:
    """The books of these products, in this order; one never received has zero of everything."""
    rows = connection.execute(select(STOCK).where(STOCK.c.product_id.in_(product_ids)))
    known = {row.product_id: Stock(*row) for row in rows}
    return [known.get(product_id) or Stock(product_id, 0, 0, 0, 0) for product_id in product_ids]


def page_of_stock(connection: Connection, after: str, limit: int) -> list[Stock]:
    """The next `limit` products by id."""
    rows = connection.execute(select(STOCK).where(STOCK.c.product_id > after).order_by(STOCK.c.product_id).limit(limit))
    return [Stock(*row) for row in rows]


def page_of_reservations(connection: Connection, after: str, limit: int) -> list[Reservation]:
    """The next `limit` reservations by id."""
    rows = connection.execute(
        select(RESERVATIONS)
        .where(RESERVATIONS.c.reservation_id > after)
        .order_by(RESERVATIONS.c.reservation_id)
        .limit(limit)
    )
    return [_reservation(row) for row in rows]


def _add(connection: Connection, reservation: Reservation) -> bool:
    return insert_new(
        connection,
        RESERVATIONS,
        reservation_id=reservation.reservation_id,
        order_id=reservation.order_id,
        lines=reservation.lines,
        state=reservation.state.value,
        expires_at=reservation.expires_at,
    )


def _move(connection: Connection, lines: Sequence[Line], source: Column, target: Column) -> Line | None:
    """Move pieces; the line there are too few for, if any: then the transaction must not be committed."""
    if source is not target:
        for line in sorted(lines):
            moved = connection.execute(_MOVING[source, target], {"product": line.product_id, "pieces": line.quantity})
            if moved.rowcount != 1:
                return line
    return None


def _too_few(connection: Connection, index: int, line: Line) -> NotFound | PreconditionFailed:
    row = connection.execute(select(STOCK).where(STOCK.c.product_id == line.product_id)).one_or_none()
    field, facts = f"lines[{index}].product_id", {"product_id": line.product_id}
    if row is None:
        return NotFound("PRODUCT_NEVER_RECEIVED", f"{line.product_id} was never received", field=field, metadata=facts)
    return PreconditionFailed(
        "OUT_OF_STOCK",
        f"{line.product_id}: {line.quantity} wanted, {row.available} available",
        field=field,
        metadata={**facts, "requested": str(line.quantity), "available": str(row.available)},
    )


def _reservation(row: Row[tuple[str, str, list[tuple[str, int]], str, int]]) -> Reservation:
    return Reservation(row.reservation_id, row.order_id, _lines(row.lines), State(row.state), row.expires_at)


def _lines(stored: Iterable[tuple[str, int]]) -> tuple[Line, ...]:
    return tuple(Line(*line) for line in stored)
