"""How is an audit reported? As text for people, or as one JSON object on one line for programs."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from shop.inventory.v1 import inventory_pb2
from shop.orders.v1 import orders_pb2
from shop.payments.v1 import payments_pb2

from services.auditor.audit import Audit

CLEAN, WRONG, UNREADABLE = "clean", "discrepancies", "unreadable"
"""The verdicts; exit codes 0, 1 and 3."""


def facts(audit: Audit) -> dict[str, Any]:
    """The audit as JSON has it: verdict, what was counted, what is wrong."""
    books = audit.books
    orders = Counter(orders_pb2.OrderState.Name(order.state) for order in books.orders)
    payments = Counter(payments_pb2.PaymentState.Name(payment.state) for payment in books.payments)
    reservations = Counter(inventory_pb2.ReservationState.Name(row.state) for row in books.reservations)
    return {
        "verdict": WRONG if audit.found else CLEAN,
        "orders": _counts(orders, "ORDER_STATE_"),
        "payments": _counts(payments, "PAYMENT_STATE_"),
        "reservations": _counts(reservations, "RESERVATION_STATE_"),
        "products": len(books.stock),
        "readings": audit.readings,
        "discrepancies": [
            {"name": found.name, "ids": [list(pair) for pair in found.ids], "detail": found.detail}
            for found in audit.found
        ],
    }


def as_json(report: dict[str, Any]) -> str:
    """One line, so that it can be found in a log."""
    return json.dumps(report, separators=(",", ":"))


def as_text(report: dict[str, Any]) -> str:
    """What was counted, then a line for every discrepancy, then the verdict."""
    if report["verdict"] == UNREADABLE:
        return f"the books cannot be read: {report['problem']}"
    lines = [f"{book:<13}{_listed(report[book])}" for book in ("orders", "payments", "reservations")]
    lines.append(f"{'products':<13}{report['products']}")
    lines += [_line(found) for found in report["discrepancies"]]
    lines.append(_verdict(report))
    return "\n".join(lines)


def _counts(states: Counter[str], prefix: str) -> dict[str, int]:
    return {"total": states.total()} | {name.removeprefix(prefix): states[name] for name in sorted(states)}


def _listed(counts: dict[str, int]) -> str:
    states = ", ".join(f"{number} {name}" for name, number in counts.items() if name != "total")
    return f"{counts['total']}" + (f" ({states})" if states else "")


def _line(found: dict[str, Any]) -> str:
    return f"{found['name']}: {found['detail']}; {', '.join(f'{kind} {value}' for kind, value in found['ids'])}"


def _verdict(report: dict[str, Any]) -> str:
    if number := len(report["discrepancies"]):
        return f"{number} {'discrepancy' if number == 1 else 'discrepancies'}"
    if not report["orders"]["total"]:
        return "no discrepancy, but there are no orders: nothing is proved"
    return "no discrepancy: every order is paid once and has its stock, and nothing else is"
