"""Would a test notice? `make mutation`: every mutant of mesh/resilience against the tests that pass it.

Fails for a mutant that survives without a reason in survivors.yaml, and for a reason nobody needs any more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from tests.mutation import catalogue, report, review
from tests.mutation.mutant import Mutant
from tests.mutation.selection import Selection, select
from tests.mutation.trial import Noticed, notice

_FIRST = 12  # tests to load and run before the others are loaded at all

Results = dict[Mutant, Noticed]


def main() -> int:
    """0: every survivor has its reason, and every reason its survivor."""
    asked = _asked()
    files = asked.files or catalogue.files()
    explained = review.reasons(review.FILE.read_text(), files)
    with ThreadPoolExecutor(asked.workers) as threads:
        _say("running the tests without a mutant")
        selection = select(threads)
        mutants = catalogue.mutants_of_all(files, asked.workers)
        _say(f"{len(mutants)} mutants of {len(files)} files")
        results = _tried(threads, selection, mutants)
        # Once more those that should have survived: on a busy machine a test may fail for no fault of theirs.
        doubtful = [each for each in mutants if each.key in explained and results[each].by]
        results |= _tried(threads, selection, doubtful)
    if asked.log:
        asked.log.write_text("".join(f"{each.key}\t{by}\t{why!r}\n" for each, (by, why) in results.items()))
    if not asked.files:
        asked.write.write_text(report.page({each: by for each, (by, _) in results.items()}, explained))
    return _judged({each.key for each, (by, _) in results.items() if not by}, explained)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="of mesh/resilience; all by default")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="trials side by side")
    parser.add_argument("--write", type=Path, default=Path("docs/mutation.md"), help="the page, when all are judged")
    parser.add_argument("--log", type=Path, help="where to write which test noticed which mutant")
    return parser.parse_args()


def _tried(threads: Executor, selection: Selection, mutants: Sequence[Mutant]) -> Results:
    results: Results = {}
    for mutant, noticed in zip(
        mutants, threads.map(lambda each: _try(selection.tests(each), each), mutants), strict=True
    ):
        results[mutant] = noticed
        if len(results) % 100 == 0:
            _say(f"{len(results)} tried, {sum(not each.by for each in results.values())} survive")
    return results


def _try(tests: Sequence[str], mutant: Mutant) -> Noticed:
    """The likely tests first: most mutants are noticed before the others have been loaded."""
    for some in (tests[:_FIRST], tests[_FIRST:]):
        if some and (noticed := notice(mutant, some)).by:
            return noticed
    return Noticed("")


def _judged(survivors: set[str], explained: review.Reasons) -> int:
    unexplained, stale = review.review(survivors, explained)
    for key in unexplained:
        _say(f"survives, and nobody said why it may: {key}")
    for key in stale:
        _say(f"has a reason to survive, and does not: {key}")
    _say(f"{len(survivors)} survive, {len(unexplained)} of them without a reason")
    return 1 if unexplained or stale else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
