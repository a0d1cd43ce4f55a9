"""mutmut's mutations as files: each changes one thing, and is known by it wherever its line has moved to."""

from __future__ import annotations

import ast

from tests.mutation.mutant import Mutant
from tests.mutation.operators import mutations

SOURCE = '''"""A limit."""

MOST = 3


class Limit:
    def admits(self, taken: int) -> bool:
        if taken < MOST:
            return True
        return False  # full
'''


def found(source: str) -> dict[str, Mutant]:
    return {mutant.change: mutant for mutant in mutations("limiter.py", source)}


def test_each_is_the_file_with_one_expression_changed() -> None:
    changed = found(SOURCE)
    mutant = changed["if taken < MOST: -> if taken <= MOST:"]
    assert mutant.source == SOURCE.replace("taken < MOST", "taken <= MOST")
    assert (mutant.function, list(mutant.lines)) == ("Limit.admits", [8])
    assert set(changed) == {
        "if taken < MOST: -> if taken <= MOST:",
        "return True -> return False",
        "return False -> return True",
    }


def test_a_line_that_moves_or_is_commented_keeps_the_names_of_its_mutants() -> None:
    moved = SOURCE.replace("MOST = 3", "# why\nMOST = 3\nLEAST = 1").replace("# full", "# no room")
    assert {mutant.key for mutant in found(moved).values()} == {mutant.key for mutant in found(SOURCE).values()}


def test_every_mutant_is_python() -> None:
    assert all(ast.parse(mutant.source) for mutant in found(SOURCE).values())


def test_what_only_a_type_checker_reads_is_left_alone() -> None:
    changes = set(found('def f(x: object) -> object:\n    return cast("Call", x)\n'))
    assert changes == {f'return cast("Call", x) -> return cast("Call", {wrong})' for wrong in ("None", "")}
