"""The proof of the proof: a mutant that breaks a promise is noticed, one that does not is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mutation.deletions import deletions
from tests.mutation.mutant import CHECKOUT, JUDGED
from tests.mutation.selection import Selection
from tests.mutation.trial import notice, observe

pytestmark = pytest.mark.processes

TESTS = "tests/resilience/test_bulkhead.py"
SOURCE = (CHECKOUT / JUDGED / "bulkhead.py").read_text()
[UNBOUNDED] = [each for each in deletions("bulkhead.py", SOURCE) if each.change.startswith("- if self.in_flight")]


def test_a_mutant_that_breaks_a_promise_is_noticed_by_the_test_that_makes_it() -> None:
    assert notice(UNBOUNDED, [TESTS]).by == f"{TESTS}::test_it_holds_as_many_as_the_limit"


def test_the_file_as_it_is_is_not() -> None:
    assert notice(replace(UNBOUNDED, source=SOURCE), [TESTS]).by == ""


def test_a_mutant_that_is_no_program_is_noticed() -> None:
    assert notice(replace(UNBOUNDED, source="raise SystemExit"), [TESTS]).by


def test_the_tests_of_a_mutant_are_those_that_pass_its_lines_and_the_quick_first() -> None:
    seconds, visits, failed = observe(TESTS)
    assert failed == ""
    selected = Selection(seconds, visits).tests(UNBOUNDED)
    assert f"{TESTS}::test_it_holds_as_many_as_the_limit" in selected
    assert set(selected) <= set(seconds)
    assert selected == sorted(selected, key=lambda test: (seconds[test], test))
