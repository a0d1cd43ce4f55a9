"""How far is an order, in words? The steps it has behind it, the one it is at, and those to come. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from shop.orders.v1 import orders_pb2
from shop.orders.v1.orders_pb2 import Order

PENDING, RESERVED, CHARGED, CONFIRMED, COMPENSATING, FAILED, CANCELLED = (
    orders_pb2.ORDER_STATE_PENDING,
    orders_pb2.ORDER_STATE_RESERVED,
    orders_pb2.ORDER_STATE_CHARGED,
    orders_pb2.ORDER_STATE_CONFIRMED,
    orders_pb2.ORDER_STATE_COMPENSATING,
    orders_pb2.ORDER_STATE_FAILED,
    orders_pb2.ORDER_STATE_CANCELLED,
)
FINAL = frozenset({CONFIRMED, FAILED, CANCELLED})
CANCELLABLE = frozenset({PENDING, RESERVED, CHARGED, CONFIRMED})

_FORWARD = (PENDING, RESERVED, CHARGED, CONFIRMED)
_STEPS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        PENDING: ("In the log", "Your order is written down."),
        RESERVED: ("Stowed", "The pieces are held for you."),
        CHARGED: ("Paid", "The card has been charged."),
        CONFIRMED: ("Under sail", "Everything is yours."),
    }
)
_SENTENCES: Mapping[int, str] = MappingProxyType(
    {
        PENDING: "Your order is being placed.",
        RESERVED: "The pieces are held for you; the card is being charged.",
        CHARGED: "Paid. The pieces are being handed over.",
        CONFIRMED: "Your order is confirmed. Fair winds!",
        COMPENSATING: "The order is turning back: money and pieces are being returned.",
        FAILED: "This order did not come about. Nothing was kept.",
        CANCELLED: "This order is cancelled. Money and pieces are back where they came from.",
    }
)


@dataclass(frozen=True)
class Step:
    """One step of an order, as the page shows it."""

    name: str
    about: str
    state: str  # done, current, todo or stopped


def state_name(order: Order) -> str:
    """What programs call where the order stands: CONFIRMED, FAILED, ..."""
    return orders_pb2.OrderState.Name(order.state).removeprefix("ORDER_STATE_")


def sentence(order: Order) -> str:
    """Where the order stands."""
    return _SENTENCES.get(order.state, "Nobody has heard of this state.")


def steps(order: Order) -> Sequence[Step]:
    """All steps of an order. One that turned back shows where it was going, not how far it had come."""
    if order.state not in _FORWARD:
        end = {COMPENSATING: "Turning back", FAILED: "Called off", CANCELLED: "Cancelled"}.get(order.state, "Unknown")
        return [Step(*_STEPS[PENDING], "done"), Step(end, sentence(order), "stopped")]
    reached = _FORWARD.index(order.state)
    states = ["done"] * reached + ["done" if order.state == CONFIRMED else "current"] + ["todo"] * 3
    return [Step(*_STEPS[step], state) for step, state in zip(_FORWARD, states, strict=False)]
