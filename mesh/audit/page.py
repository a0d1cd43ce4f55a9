"""How is a report of the auditor shown to people?"""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def page(report: dict[str, Any]) -> RenderableType:
    """A table of what was counted, one of what is wrong, and the verdict."""
    if report["verdict"] == "unreadable":
        return Text(f"the books cannot be read: {report['problem']}", style="red")
    parts: list[RenderableType] = [_counted(report)]
    if report["discrepancies"]:
        parts.append(_wrong(report))
    parts.append(_verdict(report))
    return Group(*parts)


def _counted(report: dict[str, Any]) -> Table:
    table = Table("book", "entries", "of which", box=None)
    for book in ("orders", "payments", "reservations"):
        states = ", ".join(f"{number} {name}" for name, number in report[book].items() if name != "total")
        table.add_row(book, str(report[book]["total"]), states)
    table.add_row("products", str(report["products"]), "")
    return table


def _wrong(report: dict[str, Any]) -> Table:
    table = Table("discrepancy", "what is wrong", "concerns", show_lines=True)
    for found in report["discrepancies"]:
        table.add_row(found["name"], found["detail"], "\n".join(f"{kind} {value}" for kind, value in found["ids"]))
    return table


def _verdict(report: dict[str, Any]) -> Text:
    if number := len(report["discrepancies"]):
        return Text(f"{number} {'discrepancy' if number == 1 else 'discrepancies'}", style="bold red")
    if not report["orders"]["total"]:
        return Text("no discrepancy, but there are no orders: nothing is proved", style="yellow")
    return Text("no discrepancy: every order is paid once and has its stock, and nothing else is", style="green")
