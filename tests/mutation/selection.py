"""Which tests could notice a mutant? Those that pass its lines: the likely and the quick ones first.

Models are left out (`test_*_model.py`). They find what nobody thought of, but when one fails it shows a
sequence of steps, and what we ask here is that a test says by its name what is broken.
"""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

from tests.mutation.mutant import CHECKOUT, Mutant
from tests.mutation.trial import Seconds, Visits, observe

_FOLDERS = ("tests/resilience", "tests/hosting")


class UnmutatedTestFails(Exception):
    """There is nothing to learn from tests that fail anyway."""


class Selection:
    """The tests, what they take and where they pass."""

    def __init__(self, seconds: Seconds, visits: Visits) -> None:
        self._seconds, self._visits = seconds, visits

    def tests(self, mutant: Mutant) -> list[str]:
        """In the order in which to run them. What runs on import may be missed by any."""
        passing = {test for line in mutant.lines for test in self._visits.get((mutant.file, line), ())}
        return sorted(passing or self._seconds, key=lambda test: self._rank(mutant, test))

    def _rank(self, mutant: Mutant, test: str) -> tuple[bool, float, str]:
        namesake = Path(mutant.file).stem in Path(test.partition("::")[0]).stem
        return (not namesake or self._seconds[test] > 1, self._seconds[test], test)


def select(executor: Executor) -> Selection:
    """Run every test once, without a mutant. Raises UnmutatedTestFails."""
    files = [path for folder in _FOLDERS for path in sorted((CHECKOUT / folder).glob("test_*.py"))]
    files = [path for path in files if not path.stem.endswith("_model")]
    seconds, visits = Seconds(), Visits()
    for took, passed, failed in executor.map(observe, (str(path.relative_to(CHECKOUT)) for path in files)):
        if failed:
            raise UnmutatedTestFails(failed)
        seconds |= took
        for line, tests in passed.items():
            visits.setdefault(line, set()).update(tests)
    return Selection(seconds, visits)
