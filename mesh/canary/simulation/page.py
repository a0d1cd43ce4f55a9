"""What stands in docs/canary-statistics.md? Prose written by hand, and between its marks the tables written here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mesh.canary.simulation.comparison import Cell
from mesh.canary.simulation.contenders import CONTENDERS
from mesh.canary.simulation.traffic import CASES


class NoSuchMark(Exception):
    """The page has lost the place where a table goes."""


def table(cells: Sequence[Cell]) -> str:
    """All rules (rows) and cases (columns)."""
    lines = [["rule", *(case.name for case in CASES)], ["---", *("---" for _ in CASES)]]
    lines += [[rule, *(str(cell) for cell in cells if cell.rule == rule)] for rule in CONTENDERS]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(page: str, mark: str, content: str) -> str:
    """`page` with `content` between <!-- mark --> and <!-- /mark -->."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    if not pattern.search(page):
        raise NoSuchMark(f"the page has no place for {mark}")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", page)
