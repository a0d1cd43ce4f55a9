"""Do the books of orders, payments and inventory agree? Every discrepancy, by name, with the ids it concerns.

    DOUBLE_CHARGE               an order with more than one charged payment
    CHARGE_WITHOUT_ORDER        a charged payment of an order that does not exist
    PAID_ORDER_WITHOUT_CHARGE   a CONFIRMED order that nobody paid
    CHARGED_BUT_NOT_CONFIRMED   a FAILED or CANCELLED order whose money was kept
    WRONG_AMOUNT                a CONFIRMED order charged with another amount than its total
    WRONG_CHARGE_KEY            a CONFIRMED order charged under a key by which it could not be refunded
    CONFIRMED_WITHOUT_STOCK     a CONFIRMED order whose reservation is missing, not committed, or of other pieces
    LEAKED_RESERVATION          pieces held or handed over for an order that has none coming (any more)
    RESERVATION_WITHOUT_ORDER   pieces held or handed over for an order that does not exist
    STOCK_NOT_CONSERVED         a product of which received is not available + reserved + committed,
                                or reserved or committed is not what the reservations say
    UNSETTLED                   an order that is not final yet

Pure: what was read comes in, what is wrong goes out, worst first. An unsettled order's charge and
reservation are its own business until it is settled, but for a second charge.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

CONFIRMED = orders_pb2.ORDER_STATE_CONFIRMED
SETTLED = frozenset({CONFIRMED, orders_pb2.ORDER_STATE_FAILED, orders_pb2.ORDER_STATE_CANCELLED})
HELD = inventory_pb2.RESERVATION_STATE_HELD
COMMITTED = inventory_pb2.RESERVATION_STATE_COMMITTED


@dataclass(frozen=True)
class Discrepancy:
    """One thing that is wrong."""

    name: str
    ids: tuple[tuple[str, str], ...]
    """What it concerns: ("order_id", "..."), ..."""
    detail: str


@dataclass(frozen=True)
class Books:
    """What the three services say."""

    orders: Sequence[orders_pb2.Order]
    payments: Sequence[payments_pb2.Payment]
    reservations: Sequence[inventory_pb2.Reservation]
    stock: Sequence[inventory_pb2.Stock]
    charged: dict[str, list[payments_pb2.Payment]] = field(init=False)
    """Payments whose money was kept, by order."""

    def __post_init__(self) -> None:
        charged: dict[str, list[payments_pb2.Payment]] = defaultdict(list)
        for payment in self.payments:
            if payment.state == payments_pb2.PAYMENT_STATE_CHARGED:
                charged[payment.order_id].append(payment)
        object.__setattr__(self, "charged", dict(charged))


def discrepancies(books: Books) -> list[Discrepancy]:
    """Everything that is wrong."""
    checks = (_double_charges, _charges, _stock_of_orders, _reservations, _conservation, _unsettled)
    return [found for check in checks for found in check(books)]


def _double_charges(books: Books) -> Iterator[Discrepancy]:
    for order_id, payments in books.charged.items():
        if len(payments) > 1:
            keys = [("charge_idempotency_key", payment.idempotency_key) for payment in payments]
            yield Discrepancy("DOUBLE_CHARGE", (("order_id", order_id), *keys), f"charged {len(payments)} times")


def _charges(books: Books) -> Iterator[Discrepancy]:
    known = {order.order_id for order in books.orders}
    for order_id in books.charged.keys() - known:
        for payment in books.charged[order_id]:
            ids = (("order_id", order_id), ("charge_idempotency_key", payment.idempotency_key))
            yield Discrepancy("CHARGE_WITHOUT_ORDER", ids, f"{_amount(payment)} charged")
    for order in books.orders:
        if order.state in SETTLED:
            yield from _charge_of(order, books.charged.get(order.order_id, []))


def _charge_of(order: orders_pb2.Order, charged: Sequence[payments_pb2.Payment]) -> Iterator[Discrepancy]:
    ids = (("order_id", order.order_id), ("charge_idempotency_key", order.charge_idempotency_key))
    match charged:
        case [] if order.state == CONFIRMED:
            yield Discrepancy("PAID_ORDER_WITHOUT_CHARGE", ids, "confirmed, but no payment is charged")
        case [payment] if order.state != CONFIRMED:
            state = orders_pb2.OrderState.Name(order.state).removeprefix("ORDER_STATE_")
            yield Discrepancy("CHARGED_BUT_NOT_CONFIRMED", ids, f"{state}, but {_amount(payment)} kept")
        case [payment] if payment.amount != order.total:
            yield Discrepancy("WRONG_AMOUNT", ids, f"costs {_amount(order)}, but {_amount(payment)} charged")
        case [payment] if payment.idempotency_key != order.charge_idempotency_key:
            yield Discrepancy("WRONG_CHARGE_KEY", ids, f"charged under {payment.idempotency_key}")


def _stock_of_orders(books: Books) -> Iterator[Discrepancy]:
    reservations = {reservation.reservation_id: reservation for reservation in books.reservations}
    for order in books.orders:
        if order.state == CONFIRMED and (wrong := _wrong(order, reservations.get(order.reservation_id))):
            ids = (("order_id", order.order_id), ("reservation_id", order.reservation_id))
            yield Discrepancy("CONFIRMED_WITHOUT_STOCK", ids, wrong)


def _wrong(order: orders_pb2.Order, reservation: inventory_pb2.Reservation | None) -> str:
    if reservation is None:
        return "the reservation does not exist"
    if reservation.order_id != order.order_id:
        return f"the reservation is for order {reservation.order_id}"
    if reservation.state != COMMITTED:
        state = inventory_pb2.ReservationState.Name(reservation.state).removeprefix("RESERVATION_STATE_")
        return f"the reservation is {state}"
    ordered = {line.product_id: line.quantity for line in order.lines}
    if {line.product_id: line.quantity for line in reservation.lines} != ordered:
        return "the reservation is of other pieces"
    return ""


def _reservations(books: Books) -> Iterator[Discrepancy]:
    orders = {order.order_id: order for order in books.orders}
    for reservation in books.reservations:
        if reservation.state not in {HELD, COMMITTED}:
            continue
        ids = (("order_id", reservation.order_id), ("reservation_id", reservation.reservation_id))
        state = inventory_pb2.ReservationState.Name(reservation.state).removeprefix("RESERVATION_STATE_")
        order = orders.get(reservation.order_id)
        if order is None:
            yield Discrepancy("RESERVATION_WITHOUT_ORDER", ids, f"{state}, but there is no such order")
        elif order.state in SETTLED and not _owns(order, reservation):
            yield Discrepancy("LEAKED_RESERVATION", ids, f"{state}, but the order has no claim to it")


def _owns(order: orders_pb2.Order, reservation: inventory_pb2.Reservation) -> bool:
    return order.state == CONFIRMED and order.reservation_id == reservation.reservation_id


def _conservation(books: Books) -> Iterator[Discrepancy]:
    pieces: dict[int, Counter[str]] = {HELD: Counter(), COMMITTED: Counter()}
    for reservation in books.reservations:
        for line in reservation.lines if reservation.state in pieces else ():
            pieces[reservation.state][line.product_id] += line.quantity
    stock = {row.product_id: row for row in books.stock}
    for product_id in sorted(stock.keys() | pieces[HELD].keys() | pieces[COMMITTED].keys()):
        row = stock.get(product_id, inventory_pb2.Stock())
        if detail := _unbalanced(row, pieces[HELD][product_id], pieces[COMMITTED][product_id]):
            yield Discrepancy("STOCK_NOT_CONSERVED", (("product_id", product_id),), detail)


def _unbalanced(row: inventory_pb2.Stock, held: int, committed: int) -> str:
    if row.received != row.available + row.reserved + row.committed or min(row.available, row.reserved) < 0:
        return (
            f"received {row.received}, available {row.available} + {row.reserved} reserved + {row.committed} committed"
        )
    if (row.reserved, row.committed) != (held, committed):
        return f"{row.reserved} reserved, {row.committed} committed; the reservations say {held} and {committed}"
    return ""


def _unsettled(books: Books) -> Iterator[Discrepancy]:
    for order in books.orders:
        if order.state not in SETTLED:
            placed = order.create_time.ToJsonString()
            yield Discrepancy("UNSETTLED", (("order_id", order.order_id),), f"placed at {placed} and not final")


def _amount(paid: payments_pb2.Payment | orders_pb2.Order) -> str:
    money = paid.amount if isinstance(paid, payments_pb2.Payment) else paid.total
    return f"{money.currency_code} {money.units}.{money.nanos:09d}".rstrip("0").rstrip(".")
