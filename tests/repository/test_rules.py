"""docs/rules.md and the tests agree: every rule has tests named after it."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "rules.md"
RULES = range(1, 41)

ROW = re.compile(r"^\| (\d+) \| .+ \| \[(test_rule_(\d\d)_\w+)\]\(\.\./(tests/[\w/]+\.py)\) \|$", re.MULTILINE)
TEST = re.compile(r"^(?:async )?def (test_rule_(\d\d)_\w+)\(", re.MULTILINE)


def named() -> dict[int, set[tuple[str, str]]]:
    """By rule: its tests, and the files they are in."""
    found = defaultdict(set)
    for path in (CHECKOUT / "tests").rglob("test_*.py"):
        for name, rule in TEST.findall(path.read_text()):
            found[int(rule)].add((name, str(path.relative_to(CHECKOUT))))
    return found


def test_every_rule_has_a_test_named_after_it() -> None:
    assert sorted(named()) == list(RULES)


def test_the_page_says_each_rule_once_and_in_order() -> None:
    assert [int(rule) for rule, _, _, _ in ROW.findall(PAGE.read_text())] == list(RULES)


def test_the_tests_the_page_names_exist_where_it_says() -> None:
    tests = named()
    wrong = [row for row in ROW.findall(PAGE.read_text()) if (row[1], row[3]) not in tests[int(row[0])]]
    assert wrong == []
