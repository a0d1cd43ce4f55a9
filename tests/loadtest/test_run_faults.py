"""What makes a run no good besides the calls it saw?"""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.budget import Budget
from loadtest.outcome import Kind
from loadtest.processes import Plan, Usage
from loadtest.run import faults
from loadtest.shapes import Shape
from loadtest.tally import Tally


@pytest.fixture
def tally() -> Tally:
    found = Tally()
    found.record("GetProduct", "OK", Kind.OK, 0.01)
    return found


def plan(folder: Path, shape: Shape = Shape.STEADY, workers: int = 0, elsewhere: int = 0) -> Plan:
    return Plan("nowhere", 1, 1.0, 30, 1, workers, folder / "load.html", folder, shape, elsewhere)


def left(folder: Path, files: int) -> None:
    for number in range(files):
        (folder / f"{number}.json").touch()


def test_a_run_that_lasted_and_left_its_result_is_good(tmp_path: Path, tally: Tally) -> None:
    left(tmp_path, 1)
    assert faults(plan(tmp_path), 0, Usage(lasted=33), tally, Budget()) == []


@pytest.mark.parametrize(("workers", "elsewhere"), [(2, 0), (0, 2), (1, 1)])
def test_a_worker_that_leaves_nothing_is_missed_wherever_it_was(
    tmp_path: Path, tally: Tally, workers: int, elsewhere: int
) -> None:
    left(tmp_path, 1)
    (fault,) = faults(plan(tmp_path, workers=workers, elsewhere=elsewhere), 0, Usage(lasted=33), tally, Budget())
    assert "1 of 2 load generators left no result" in fault


def test_a_run_that_ended_by_itself_is_no_good(tmp_path: Path, tally: Tally) -> None:
    left(tmp_path, 1)
    (fault,) = faults(plan(tmp_path), 0, Usage(lasted=12), tally, Budget())
    assert "ended by itself after 12 of 30 s" in fault


def test_a_breaking_point_ends_a_run(tmp_path: Path, tally: Tally) -> None:
    left(tmp_path, 1)
    searching = plan(tmp_path, Shape.BREAKPOINT)
    searching.breakpoint.write_text("20 12")
    assert faults(searching, 0, Usage(lasted=14), tally, Budget()) == []


def test_nothing_called_is_no_good(tmp_path: Path) -> None:
    left(tmp_path, 1)
    (fault,) = faults(plan(tmp_path), 0, Usage(lasted=33), Tally(), Budget())
    assert "0 calls were made" in fault


def test_a_soak_is_asked_about_its_history(tmp_path: Path, tally: Tally) -> None:
    left(tmp_path, 1)
    soak = plan(tmp_path, Shape.SOAK)
    rows = "".join(f"Aggregated,{20 + second}\n" for second in range(100))
    soak.history.write_text(f"Name,95%\n{rows}")
    (fault,) = faults(soak, 0, Usage(lasted=33), tally, Budget())
    assert "the shop became slower" in fault
