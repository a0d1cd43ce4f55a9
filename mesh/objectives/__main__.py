"""`python -m mesh.objectives generate|check`: judge what the services promise, and keep docs/objectives.md true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mesh.command_group import command_group
from mesh.objectives.lint import lint
from mesh.objectives.page import PATH, page
from mesh.objectives.reading import CHECKOUT, ObjectivesInvalid, read
from mesh.policy.graph import Graph
from mesh.policy.reading import PoliciesInvalid
from mesh.policy.reading import read as read_policies

FOUND, BAD_INPUT = 1, 2

app = command_group(
    "What every RPC promises: services/*/objectives.yaml, and docs/objectives.md, which is generated from them.",
    epilog="Exit codes: 0 as it should be, 1 drift or findings, 2 files that cannot be read (all errors at once).",
)
Root = Annotated[Path, typer.Option(help="The checkout.", file_okay=False, exists=True)]


@app.command()
def generate(root: Root = CHECKOUT) -> None:
    """Write docs/objectives.md; refuses what `check` refuses."""
    text = _judged(root)
    if not (root / PATH).exists() or (root / PATH).read_text() != text:
        (root / PATH).write_text(text)
        typer.echo(f"{PATH}: written")


@app.command()
def check(root: Root = CHECKOUT) -> None:
    """Refuse promises that are missing or cannot be kept, and a page that says something else; write nothing."""
    text = _judged(root)
    if not (root / PATH).exists() or (root / PATH).read_text() != text:
        _refuse([f"{PATH}: differs; `make policy` writes it"], FOUND)


def _judged(root: Path) -> str:
    """The page of promises nobody objects to."""
    try:
        objectives, graph = read(root), Graph(read_policies(root))
    except (ObjectivesInvalid, PoliciesInvalid) as error:
        _refuse(error.problems, BAD_INPUT)
    if findings := lint(objectives, graph):
        _refuse([str(finding) for finding in findings], FOUND)
    return page(objectives)


def _refuse(problems: Sequence[str], code: int) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app(prog_name="python -m mesh.objectives")
