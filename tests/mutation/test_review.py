"""A survivor needs a reason, and a reason a survivor."""

from __future__ import annotations

from tests.mutation.mutant import Mutant
from tests.mutation.report import page
from tests.mutation.review import reasons, review

TEXT = """
- because: |
    Equal: the clock never stands still.
  mutants:
    - "quick.py Quick.answered: seconds < x -> seconds <= x"
    - "rolling.py RollingCount.add: a -> b"
"""
EXPLAINED = reasons(TEXT, ["quick.py", "rolling.py"])
QUICK, ROLLING = EXPLAINED


def test_what_survives_with_its_reason_is_no_problem() -> None:
    assert not any(review([QUICK, ROLLING], EXPLAINED))


def test_what_survives_without_a_reason_is_one() -> None:
    assert review([QUICK, ROLLING, "new"], EXPLAINED).unexplained == ["new"]


def test_so_is_a_reason_for_what_does_not_survive_or_does_not_exist() -> None:
    assert review([QUICK], EXPLAINED).stale == [ROLLING]


def test_only_the_files_that_are_judged_are_compared() -> None:
    assert set(reasons(TEXT, ["quick.py"])) == {QUICK}


def test_the_page_counts_them_and_gives_the_reasons() -> None:
    gone = Mutant("quick.py", "Quick.answered", "- return", range(1), "")
    wrong = Mutant("quick.py", "Quick.answered", "seconds < x -> seconds <= x", range(1), "")
    text = page({gone: "tests/resilience/test_quick.py::test_it", wrong: ""}, {QUICK: EXPLAINED[QUICK]})
    assert "| [quick.py](../mesh/resilience/quick.py) | 1 | 0 | 1 | 1 |" in text
    assert f"Equal: the clock never stands still.\n\n- `{QUICK}`" in text
