"""`python -m mesh.manifests check`: would a cluster, Istio, a linter and a reviewer take what k8s/ comes to?"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from yaml import YAMLError

from mesh.command_group import command_group
from mesh.local.problems import LocalClusterError
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from mesh.manifests.checkers import ensure_checkers
from mesh.manifests.checking import Report
from mesh.manifests.checking import check as check_all
from mesh.manifests.linting import ExceptionsInvalid
from mesh.manifests.report import as_json as json_of
from mesh.manifests.report import as_table

FOUND, NOT_CHECKED = 1, 2
HERE = Path(__file__).parents[2]

app = command_group(
    "Manifests, as kustomize builds them from k8s/: are they right?",
    epilog="Exit codes: 0 nothing to mend, 1 problems (all of them at once), 2 could not be checked, 130 interrupted.",
)


@app.command()
def check(
    root: Annotated[Path, typer.Option(help="The checkout.", file_okay=False, exists=True)] = HERE,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Build every overlay and judge every object: schemas of Kubernetes 1.33 to 1.36 and Istio, istioctl, kube-score.

    Components that no overlay uses are judged on top of overlay `kind`; k8s/gitops and compose.yaml, too. Findings of
    kube-score that are right as they are stand in k8s/lint-exceptions.yaml, with the reason; one that nothing needs
    any more is a problem. Needs no cluster. What it runs is built or fetched the first time (two minutes).

    \b
    python -m mesh.manifests check
    python -m mesh.manifests check --json | jq -r '.problems[] | "\\(.where) \\(.object): \\(.message)"'
    """  # noqa: D301
    try:
        report = _checked(root)
    except (LocalClusterError, ExceptionsInvalid, YAMLError) as error:
        typer.echo(f"not checked: {error}", err=True)
        raise typer.Exit(NOT_CHECKED) from None
    _print(report, as_json=as_json)
    raise typer.Exit(FOUND if report.problems else 0)


@app.command()
def programs() -> None:
    """Build or fetch what `check` runs and reads, nothing else; `check` does it by itself.

    \b
    python -m mesh.manifests programs
    """  # noqa: D301
    try:
        with ConsoleProgress(Console(file=sys.stderr)) as progress:
            ensure_checkers(read_settings(os.environ), progress)
    except LocalClusterError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NOT_CHECKED) from None


def _checked(root: Path) -> Report:
    pool = ThreadPoolExecutor(os.cpu_count())
    with ConsoleProgress(Console(file=sys.stderr)) as progress:
        try:
            return check_all(root, ensure_checkers(read_settings(os.environ), progress), pool, progress.now)
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, no waiting for what has not begun


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json_of(report))
        return
    for line in as_table(report):
        typer.echo(line)
    for problem in report.problems:
        typer.echo(str(problem), err=True)


if __name__ == "__main__":
    app(prog_name="python -m mesh.manifests")
