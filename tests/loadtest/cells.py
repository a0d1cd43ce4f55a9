"""Cells and crowds as a comparison measures them, with what a test changes."""

from dataclasses import replace
from typing import Any

from loadtest.compare.cell import Cell
from loadtest.compare.crowd import Crowd, Pace
from loadtest.compare.protection import Protection

TITLES = [protection.title for protection in Protection]
WHOLE = Cell("catalog-failing", "both", orders=200, confirmed=200, seconds=10.0, p50=0.05, p99=0.2, tries=1.0)


def cell(protection: str = "both", *, confirmed: int = 200, **changed: Any) -> Cell:
    return replace(WHOLE, protection=protection, confirmed=confirmed, **changed)


def four(off: int, mesh: int, app: int, both: int, **changed: Any) -> dict[str, Cell]:
    """One fault under each protection; how many of 200 orders each confirmed."""
    counts = {"off": off, "mesh only": mesh, "app only": app, "both": both}
    return {title: cell(title, confirmed=count, **changed) for title, count in counts.items()}


def crowd(protection: str, *, p50: float, looks: float) -> Crowd:
    """Sixteen callers whose healthy pace is 0.1 s for an order and 80 looks per second."""
    healthy = Pace(orders=27, confirmed=27, looks=80, p50=0.1, codes={"OK": 80})
    return Crowd(protection, healthy, replace(healthy, p50=p50, looks=looks))
