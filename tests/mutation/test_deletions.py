"""Each thing a file does can be missing, and nothing else."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from tests.mutation.deletions import deletions


def deleted(source: str) -> dict[str, str]:
    """By change: what is left."""
    return {mutant.change: mutant.source for mutant in deletions("breaker.py", dedent(source))}


@pytest.mark.parametrize(
    ("body", "change", "left"),
    [
        ("x = 1\n    return x", "- x = 1", "pass\n    return x"),
        ("if x:\n        raise E\n    return x", "- if x", "if False:\n        raise E\n    return x"),
        ("with a() as b:\n        c()", "- with a() as b:", "c()"),
        ("try:\n        a()\n    except E:\n        b()", "- except E", "a()"),
        (
            "try:\n        a()\n    except E:\n        b()\n    finally:\n        c()",
            "- except E",
            "try:\n        a()\n    finally:\n        c()",
        ),
        ("match x:\n        case 1:\n            a()\n        case _:\n            b()", "- case 1", None),
        ("return a(b,\n        c=1,\n        d=2)", "- d=2", "return a(b, c=1)"),
    ],
)
def test_a_statement_a_guard_a_handler_an_argument_can_be_missing(body: str, change: str, left: str | None) -> None:
    found = deleted(f"def f(x):\n    {body}\n")
    assert change in found
    if left is not None:
        assert found[change] == f"def f(x):\n    {left}"


def test_so_can_an_entry_of_a_table_that_has_a_line_of_its_own() -> None:
    assert deleted("OPTIONS = (\n    ('a', 1),\n    ('b', 2),\n)\nONE_LINE = (1, 2)\n") == {
        "- ('a', 1)": "OPTIONS = (('b', 2),)\nONE_LINE = (1, 2)",
        "- ('b', 2)": "OPTIONS = (('a', 1),)\nONE_LINE = (1, 2)",
    }


def test_what_is_only_said_is_not_deleted() -> None:
    silent = '''
        """The file."""
        from a import b
        class C:
            """The class."""
            __slots__ = (
                "x",
                "y",
            )
            x: int
            def f(self) -> None:
                """The function."""
                y: int
                ...
        '''
    assert deleted(silent) == {}


def test_an_if_and_its_one_statement_are_one_mutant() -> None:
    assert set(deleted("def f(x):\n    if x:\n        return 1\n")) == {"- if x"}
    assert set(deleted("def f(x):\n    if x:\n        a()\n        b()\n")) == {"- if x", "- a()", "- b()"}


def test_a_mutant_says_where_it_is_and_every_mutant_is_python() -> None:
    source = "class Breaker:\n    def admit(self):\n        def inner():\n            return 1\n        return inner\n"
    first, second = deletions("breaker.py", source)
    assert first.key == "breaker.py Breaker.admit.inner: - return 1"
    assert (list(first.lines), list(second.lines)) == ([4], [5])
    assert all(ast.parse(mutant.source) for mutant in (first, second))
