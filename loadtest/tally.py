"""How many calls ended how, and how long did they take, in memory that does not grow with the run?

One histogram per (RPC, status, kind): an hour of load takes no more room than a minute. Tallies of several processes
add up.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from loadtest.histogram import Histogram
from loadtest.outcome import Kind


class Cell(NamedTuple):
    """What a histogram is about."""

    rpc: str
    code: str
    kind: Kind


class Tally:
    """Everything one process (or several) has seen."""

    def __init__(self) -> None:
        self.cells: defaultdict[Cell, Histogram] = defaultdict(Histogram)
        self.errors: Counter[str] = Counter()  # exceptions out of users' code: faults of the harness itself
        self.cut_off = 0  # calls still under way when the run ended; nobody knows how they would have ended

    def record(self, rpc: str, code: str, kind: Kind, seconds: float) -> None:
        """Count one call."""
        self.cells[Cell(rpc, code, kind)].record(seconds)

    def add(self, other: "Tally") -> None:
        """Count everything the other one has counted."""
        for cell, histogram in other.cells.items():
            self.cells[cell].add(histogram)
        self.errors.update(other.errors)
        self.cut_off += other.cut_off

    @property
    def calls(self) -> int:
        """How many calls were counted."""
        return sum(histogram.count for histogram in self.cells.values())

    def count(self, *kinds: Kind, rpc: str | None = None) -> int:
        """How many calls ended in one of these kinds, of one RPC or of all."""
        matching = (cell for cell in self.cells if cell.kind in kinds and rpc in {None, cell.rpc})
        return sum(self.cells[cell].count for cell in matching)

    @property
    def rpcs(self) -> list[str]:
        """The names of the RPCs that were called, sorted."""
        return sorted({cell.rpc for cell in self.cells})

    def latency(self, rpc: str | None = None, *kinds: Kind) -> Histogram:
        """How long calls took, of one RPC or of all; of these kinds, failed ones included unless they are named."""
        merged = Histogram()
        for cell, histogram in self.cells.items():
            if rpc in {None, cell.rpc} and (not kinds or cell.kind in kinds):
                merged.add(histogram)
        return merged

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        return {"cells": list(self._rows()), "errors": dict(self.errors), "cut_off": self.cut_off}

    def _rows(self) -> Iterator[dict[str, Any]]:
        for cell, histogram in sorted(self.cells.items()):
            yield {**cell._asdict(), "latency": histogram.encoded()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Tally":
        """The tally that was written. Raises KeyError or ValueError for anything else."""
        tally = cls()
        tally.errors.update(data["errors"])
        tally.cut_off = data["cut_off"]
        for row in data["cells"]:
            tally.cells[Cell(row["rpc"], row["code"], Kind(row["kind"]))] = Histogram.decoded(row["latency"])
        return tally


def load_tallies(files: Iterable[Path]) -> Tally:
    """The sum of the tallies that processes left behind."""
    total = Tally()
    for file in files:
        total.add(Tally.from_json(json.loads(file.read_text())))
    return total
