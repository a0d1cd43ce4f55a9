"""What does a long run say about its own history?"""

import csv
from pathlib import Path

import pytest

from loadtest.soak import slower


def history(folder: Path, latencies: list[object]) -> Path:
    file = folder / "load_stats_history.csv"
    with file.open("w", newline="") as opened:
        rows = csv.DictWriter(opened, ["Name", "95%"])
        rows.writeheader()
        rows.writerows({"Name": "Aggregated", "95%": each} for each in latencies)
    return file


@pytest.mark.parametrize("latencies", [[20] * 100, [900] * 10 + [20] * 90, ["N/A", *[20] * 50, 500, *[20] * 50]])
def test_as_quick_as_at_the_beginning(latencies: list[object], tmp_path: Path) -> None:
    assert list(slower(history(tmp_path, latencies))) == []


def test_slower_at_the_end(tmp_path: Path) -> None:
    assert list(slower(history(tmp_path, [20 + each for each in range(100)]))) == [
        "p95 was 40 ms at first and 108 ms at last: the shop became slower"
    ]


def test_too_short_to_tell(tmp_path: Path) -> None:
    assert "too few to tell" in next(slower(history(tmp_path, [20] * 10)))
