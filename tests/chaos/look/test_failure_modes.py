from __future__ import annotations

from dataclasses import replace

from mesh.chaos.look.failure_modes import document
from mesh.chaos.verdict import Outcome
from tests.chaos.look.ended import ended, failed
from tests.chaos.story import experiment


def row(page: str) -> list[str]:
    (line,) = [line for line in page.splitlines() if line.startswith("| payments ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_says_what_the_user_sees_and_what_was_measured() -> None:
    without = replace(failed(ended(), 100, 120), control=True, protection="off")
    page = document([experiment()], [ended(), without])
    assert row(page) == [
        *("payments", "charges take 2 s longer", "the order is refused at once, with the cart kept", "none"),
        *("0 of 120", "10.0 ms, then 10.0 ms", "", "0.0 s", "by itself, when a breaker's trial call succeeds"),
        *("payments-slow: PASS", "breakers and bulkheads: FAIL"),
    ]
    assert "- revision: abc123" in page


def test_what_just_happens_is_told_from_all_that_came_after() -> None:
    assert row(document([experiment()], [failed(ended(), 3, 120)]))[4:6] == ["3 of 120", "9.0 ms, then 250 ms"]


def test_the_last_verdict_counts() -> None:
    cells = row(document([experiment()], [failed(ended(), 9, 120), ended()]))
    assert cells[9] == "payments-slow: PASS"


def test_an_outcome_that_is_not_wanted_is_loud() -> None:
    passed = replace(ended(), control=True)
    cells = row(document([experiment()], [replace(ended(), outcome=Outcome.FAIL), passed]))
    assert cells[9:] == ["payments-slow: **FAIL**", "breakers and bulkheads: **PASS**"]


def test_one_layer_alone_is_no_control() -> None:
    one_layer = replace(ended(), control=True, protection="mesh only")
    assert row(document([experiment()], [ended(), one_layer]))[10] == "breakers and bulkheads: not run"


def test_what_was_not_run_says_so() -> None:
    assert row(document([experiment()], []))[9] == "payments-slow: not run"
