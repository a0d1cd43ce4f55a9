"""What decides takes the time as an argument: so tests can, too."""

import ast
from pathlib import Path

import pytest

import mesh.resilience

FOLDER = Path(mesh.resilience.__file__).parent
PURE = ("breaker", "bulkhead", "policy", "pushback", "retry_budget", "rolling", "verdicts")
CLOCKS_AND_OUTSIDES = {"asyncio", "datetime", "os", "socket", "threading", "time"}


def imported(file: Path) -> set[str]:
    """The packages a file imports, by their first name."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    others = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in plain | others}


@pytest.mark.parametrize("name", PURE)
def test_rule_17_what_decides_reads_no_clock(name: str) -> None:
    assert not imported(FOLDER / f"{name}.py") & CLOCKS_AND_OUTSIDES


def test_the_check_sees_a_clock() -> None:
    assert "time" in imported(FOLDER / "deadline.py")
