"""Did the shop keep its promise to everybody, whatever was killed? Decided from what was seen, with no I/O.

What counts is not how many calls failed, which nobody promises while processes die twice a second, but that every order
has one end, and that money and stock agree with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shop.orders.v1 import orders_pb2

from mesh.chaos.kills.insistent import Told
from mesh.chaos.kills.killing import Kill
from mesh.chaos.verdict import Outcome
from mesh.demo.claims import Check, at_least, at_most, exactly

FINAL_WITHIN = 30.0  # seconds
CONFIRMED = orders_pb2.ORDER_STATE_CONFIRMED
FINAL = {CONFIRMED, orders_pb2.ORDER_STATE_FAILED, orders_pb2.ORDER_STATE_CANCELLED}
_OF_STOCK = {"STOCK_NOT_CONSERVED", "LEAKED_RESERVATION", "RESERVATION_WITHOUT_ORDER", "CONFIRMED_WITHOUT_STOCK"}


@dataclass(frozen=True)
class Seen:
    """Everything that is judged. `orders`: all the shop knows of these customers, `audit`: the auditor's report."""

    wanted: int  # kills
    kills: Sequence[Kill]
    told: Told
    orders: Sequence[orders_pb2.Order]
    audit: Mapping[str, Any]
    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of the other customers: by stream, by status


def outcome(seen: Seen) -> Outcome:
    """PASS when every promise was kept; nothing is proved without kills, orders and books."""
    if len(seen.kills) < seen.wanted or not seen.told.confirmed or "discrepancies" not in seen.audit:
        return Outcome.INVALID
    return Outcome.PASS if all(check.holds for check in checks(seen)) else Outcome.FAIL


def checks(seen: Seen) -> list[Check]:
    """Every promise, what was seen of it, and whether it was kept."""
    wrong = Counter(str(each["name"]) for each in seen.audit.get("discrepancies", ()))
    known = {order.order_id: order.state for order in seen.orders}
    lost = [order for order in seen.told.confirmed if known.get(order) != CONFIRMED]
    stock = sum(count for name, count in wrong.items() if name in _OF_STOCK)
    return [
        exactly("processes killed", len(seen.kills), seen.wanted),
        at_least("orders confirmed meanwhile", len(seen.told.confirmed), 1),
        exactly("orders charged twice", wrong["DOUBLE_CHARGE"], 0),
        exactly("confirmed orders that are lost", len(lost), 0),
        exactly("orders whose customer was never told", len(seen.told.unanswered), 0),
        exactly("orders that are not final", sum(state not in FINAL for state in known.values()), 0),
        at_most("the slowest order was final after", round(slowest(seen.orders), 1), FINAL_WITHIN, " s"),
        exactly("stock that is not conserved", stock, 0),
        exactly("other discrepancies in the books", wrong.total() - stock - wrong["DOUBLE_CHARGE"], 0),
    ]


def slowest(orders: Iterable[orders_pb2.Order]) -> float:
    """Seconds from when an order was placed until it last changed, the longest of those that are final."""
    spans = (_seconds(order) for order in orders if order.state in FINAL)
    return max(spans, default=0.0)


def _seconds(order: orders_pb2.Order) -> float:
    return (order.update_time.ToNanoseconds() - order.create_time.ToNanoseconds()) / 1e9


def document(seen: Seen, *, run: str, seed: int, environment: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, as JSON has it."""
    return {
        "run": run,
        "experiment": "random-kills",
        "outcome": outcome(seen).value,
        "seed": seed,
        "times": seen.wanted,
        "checks": [asdict(check) for check in checks(seen)],
        "killed": dict(Counter(f"{kill.app} {kill.container}" for kill in seen.kills)),
        "seconds": max((kill.at for kill in seen.kills), default=0.0),
        "customers": {
            "asked": seen.told.asked,
            "tries": seen.told.tries,
            "confirmed": len(seen.told.confirmed),
            "refused": dict(Counter(seen.told.refused)),
            "unanswered": len(seen.told.unanswered),
        },
        "calls": {stream: dict(codes) for stream, codes in seen.calls.items()},
        "audit": dict(seen.audit),
        "environment": dict(environment),
        "kills": [asdict(kill) for kill in seen.kills],
    }
