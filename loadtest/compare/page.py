"""How is the comparison shown on a terminal?"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from loadtest.compare.cell import Cell
from loadtest.compare.crowd import Crowd
from loadtest.compare.faults import FAULTS
from loadtest.compare.run import Found
from loadtest.compare.verdicts import ORDER, Claim, by_fault, claims, crowd_readings, readings, seconds

CELL_HEADINGS = ("protection", "confirmed /s", "in time", "p50", "p99", "tries per order", "recovered after")
CROWD_HEADINGS = ("protection", "payments", "orders /s", "confirmed /s", "PlaceOrder p50", "browsing /s")


def cell_row(cell: Cell) -> tuple[str, ...]:
    """One line of a fault's table."""
    if cell.objection:
        return (cell.protection, *["-"] * 5, cell.objection)
    numbers = (f"{cell.goodput:.1f}", f"{cell.share:.1%}", f"{cell.p50:.2f} s", f"{cell.p99:.2f} s")
    return (cell.protection, *numbers, f"{cell.tries:.2f}", seconds(cell.recovery))


def crowd_rows(crowds: Sequence[Crowd]) -> list[tuple[str, ...]]:
    """Two lines for each protection: before, and while payments is slow."""
    return [
        (
            crowd.protection,
            when,
            f"{pace.orders:.1f}",
            f"{pace.confirmed:.1f}",
            f"{pace.p50:.2f} s",
            f"{pace.looks:.0f}",
        )
        for crowd in sorted(crowds, key=lambda crowd: ORDER.index(crowd.protection))
        for when, pace in (("healthy", crowd.healthy), ("+2 s", crowd.slow))
    ]


def page(found: Found) -> RenderableType:
    """Everything found so far: a table for each fault, the sixteen callers, the verdicts."""
    parts: list[RenderableType] = []
    for key, cells in by_fault(found.cells).items():
        parts += [_table(FAULTS[key].title, CELL_HEADINGS, [cell_row(cell) for cell in cells.values()])]
        parts += [f"  {reading}" for reading in readings(cells)]
    if found.crowds:
        title = "sixteen callers of a front end: three looks at products and an order, over and over"
        parts.append(_table(title, CROWD_HEADINGS, crowd_rows(found.crowds)))
        parts += [f"  {reading}" for reading in crowd_readings(found.crowds)]
    parts.append(_verdicts(claims(found.cells, found.crowds)))
    return Group(*parts)


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(headings[0], title=title, title_justify="left")
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _verdicts(decided: Sequence[Claim]) -> Table:
    table = Table("claim", title="verdicts", title_justify="left")
    table.add_column("seen", justify="right")
    table.add_column("")
    for claim in decided:
        table.add_row(claim.what, claim.seen, "[green]holds[/]" if claim.holds else "[red]does not hold[/]")
    return table
