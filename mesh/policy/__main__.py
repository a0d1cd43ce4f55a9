"""`python -m mesh.policy generate|check|lint`: make, compare and judge what the policies of the services say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from rich.console import Console

from mesh.command_group import command_group
from mesh.local.problems import LocalClusterError
from mesh.local.programs import ensure
from mesh.local.progress import ConsoleProgress
from mesh.local.settings import read_settings
from mesh.policy import writing
from mesh.policy.built import lint_objects
from mesh.policy.graph import Graph
from mesh.policy.lint import Finding, lint
from mesh.policy.reading import PoliciesInvalid, read

FOUND, BAD_INPUT = 1, 2

app = command_group(
    "One policy for every RPC: services/*/policy.yaml, and what is generated from it.",
    epilog="Exit codes: 0 as it should be, 1 drift or findings, 2 policies that cannot be read (all errors at once).",
)
Root = Annotated[Path, typer.Option(help="The checkout.", file_okay=False, exists=True)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]
HERE = Path(__file__).parents[2]


class NotBuilt(Exception):
    """kustomize refuses an overlay."""


@app.command()
def generate(root: Root = HERE, *, as_json: AsJson = False) -> None:
    """Write services/*/policy.py, k8s/components/istio and docs/resilience-table.md; refuses what `lint` refuses.

    \b
    python -m mesh.policy generate
    python -m mesh.policy generate --json | jq .changed
    """  # noqa: D301
    graph = _graph(root, as_json=as_json)
    if findings := lint(graph):
        _end("findings", findings, as_json=as_json, code=FOUND)
    _end("changed", writing.write(root, writing.files(graph)), as_json=as_json, code=0)


@app.command()
def check(root: Root = HERE, *, as_json: AsJson = False) -> None:
    """Compare what is generated with what would be; write nothing.

    \b
    python -m mesh.policy check || make policy
    """  # noqa: D301
    found = writing.drift(root, writing.files(_graph(root, as_json=as_json)))
    _end("drift", found, as_json=as_json, code=FOUND if found else 0)


@app.command(name="lint")
def lint_all(
    root: Root = HERE,
    *,
    manifests: Annotated[bool, typer.Option(help="Build k8s/overlays/* with kubectl and judge them, too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Refuse policies that are dangerous together: amplification, deadlines, ejections, faults beside retries.

    \b
    python -m mesh.policy lint
    python -m mesh.policy lint --no-manifests --json | jq .findings
    """  # noqa: D301
    findings = lint(_graph(root, as_json=as_json))
    try:
        findings += _built(root) if manifests else []
    except (LocalClusterError, NotBuilt) as error:
        _end("problems", [str(error)], as_json=as_json, code=BAD_INPUT)
    _end("findings", findings, as_json=as_json, code=FOUND if findings else 0)


def _graph(root: Path, *, as_json: bool) -> Graph:
    try:
        return Graph(read(root))
    except PoliciesInvalid as error:
        _end("problems", error.problems, as_json=as_json, code=BAD_INPUT)


def _built(root: Path) -> list[Finding]:
    progress = ConsoleProgress(Console(file=sys.stderr))
    kubectl = ensure(read_settings(os.environ), {"kubectl"}, progress).folder / "kubectl"
    findings = []
    for overlay in sorted(path.parent for path in root.glob("k8s/overlays/*/kustomization.yaml")):
        built = subprocess.run([kubectl, "kustomize", overlay], capture_output=True, text=True, check=False)
        if built.returncode:
            raise NotBuilt(f"{overlay.relative_to(root)}: {built.stderr.strip()}")
        findings += lint_objects(str(overlay.relative_to(root)), list(yaml.load_all(built.stdout, yaml.CSafeLoader)))
    return findings


def _end(what: str, found: Sequence[Any], *, as_json: bool, code: int) -> NoReturn:
    """Print what was found, a line each, or as one JSON object; and exit."""
    if as_json:
        typer.echo(json.dumps({what: [one if isinstance(one, str) else asdict(one) for one in found]}))
    else:
        for one in found:
            typer.echo(str(one), err=code != 0)
    raise typer.Exit(code)


if __name__ == "__main__":
    app(prog_name="python -m mesh.policy")
