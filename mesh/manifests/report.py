"""How is the answer told? A table and a line for each problem, or JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from mesh.manifests.checking import Report, Row

_HEAD = ("", "objects", "kinds", "excepted", "problems")


def as_json(report: Report) -> str:
    """One JSON object on one line."""
    return json.dumps(
        {"checked": [asdict(row) for row in report.rows], "problems": [asdict(p) for p in report.problems]}
    )


def as_table(report: Report) -> Iterator[str]:
    """The table's lines."""
    lines = [_HEAD, *(_cells(row) for row in report.rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for first, *numbers in lines:
        aligned = (cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *aligned])


def _cells(row: Row) -> tuple[str, ...]:
    return (row.name, *(str(number or "-") for number in (row.objects, row.kinds, row.excepted, row.problems)))
