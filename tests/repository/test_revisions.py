"""A revision leaves the version before it working (docs/decisions/0021), or says since when nobody uses it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
REVISIONS = sorted(SERVICES.glob("*/migrations/versions/*.py"))
TAKES_AWAY = {"drop_table", "drop_column", "rename_table", "alter_column", "execute"}
REASON = "Nobody uses it since "  # a line of the revision's docstring, with the version


def dangers(source: str) -> list[str]:
    """What in a revision's upgrade an older version may trip over, and the docstring does not account for."""
    tree = ast.parse(source)
    if REASON in (ast.get_docstring(tree) or ""):
        return []
    (upgrade,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"]
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
    taken = [
        name
        for call in calls
        if (name := ast.unparse(call.func).removeprefix("op.")) in TAKES_AWAY and not _creates(call)
    ]
    added = [call for call in calls if ast.unparse(call.func) == "op.add_column"]
    return taken + [f"add_column {ast.unparse(call.args[1])}" for call in added if _must_be_given(call.args[1])]


def _creates(call: ast.Call) -> bool:
    """Whether it executes a statement that only adds something."""
    (statement, *_) = call.args
    return isinstance(statement, ast.Constant) and str(statement.value).startswith("CREATE ")


def _must_be_given(column: ast.expr) -> bool:
    """Whether an older version, which does not know the column, could not insert a row."""
    assert isinstance(column, ast.Call)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
    return given.get("nullable") == "False" and "server_default" not in given


@pytest.mark.parametrize("revision", REVISIONS, ids=lambda path: str(path.relative_to(SERVICES)))
def test_a_revision_takes_nothing_away_from_the_version_before_it(revision: Path) -> None:
    assert dangers(revision.read_text()) == []


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("op.drop_column('orders', 'owner')", ["drop_column"]),
        ("op.alter_column('orders', 'owner', new_column_name='holder')", ["alter_column"]),
        ("op.add_column('orders', sa.Column('n', nullable=False))", ["add_column sa.Column('n', nullable=False)"]),
        ("op.add_column('orders', sa.Column('n', nullable=False, server_default='0'))", []),
        ("op.add_column('orders', sa.Column('n'))", []),
        ("op.create_index('by_owner', 'orders', ['owner'])", []),
        ("op.execute('CREATE VIRTUAL TABLE words USING fts5(id)')", []),
        ("op.execute('DROP TABLE orders')", ["execute"]),
        ("op.execute(statement)", ["execute"]),
    ],
)
def test_what_takes_something_away_is_found(step: str, found: list[str]) -> None:
    assert dangers(f"def upgrade():\n    {step}\n") == found


def test_what_nobody_uses_any_more_may_go() -> None:
    assert dangers(f'"""No owner.\n\n{REASON}1.4.\n"""\ndef upgrade():\n    op.drop_column("orders", "owner")\n') == []
