"""Is the shop slower at the end of a long run than it was at the beginning?

Read from the history that Locust writes, a row a second with the latency of the last few: the median 95th percentile of
the first quarter, once users have come, against that of the last.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ARRIVING = 0.1  # of the run
GROWN = 1.5  # times as slow at the end, from which on something grows that should not
LEAST = 20  # rows, below which a run is too short to tell


def slower(history: Path) -> Iterator[str]:
    """What is wrong; nothing when the end is about as quick as the beginning."""
    rows = [float(row["95%"]) for row in _aggregated(history) if row["95%"] != "N/A"]
    rows = rows[round(ARRIVING * len(rows)) :]
    if len(rows) < LEAST:
        yield f"{len(rows)} seconds are too few to tell whether the shop became slower; {LEAST} are needed"
        return
    quarter = len(rows) // 4
    first, last = median(rows[:quarter]), median(rows[-quarter:])
    if last > GROWN * first:
        yield f"p95 was {first:.0f} ms at first and {last:.0f} ms at last: the shop became slower"


def _aggregated(history: Path) -> Iterator[dict[str, str]]:
    with history.open(newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
