"""Can a cluster run here? `argosy doctor`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from mesh.local.commands.surroundings import page, settings
from mesh.local.diagnosis import Finding, Verdict, examine

_STYLES = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.BAD: "red"}


def doctor(
    *,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Say what this machine lacks, and which ports are taken and by whom.

    \b
    argosy doctor
    argosy doctor --json

    \b
    Exit codes: 0 `argosy up` can work, 1 something prevents it.
    """  # noqa: D301
    findings = examine(settings())
    if as_document:
        typer.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    else:
        page().print(_table(findings))
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise typer.Exit(1)


def _table(findings: list[Finding]) -> Table:
    table = Table("", "what", "found", box=None, header_style="bold")
    for finding in findings:
        style = _STYLES[finding.verdict]
        table.add_row(f"[{style}]{finding.verdict}[/{style}]", finding.subject, finding.text)
    return table
