"""What does `argosy audit` do? It runs the auditor in the cluster and passes on what it says."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer
from lightkube.core.exceptions import ConfigError
from rich.console import Console

from mesh.audit.job import Said, run_auditor
from mesh.audit.page import page
from mesh.chosen_cluster import NAMESPACE, Context, meant
from mesh.kube_client import opened
from mesh.local.commands.surroundings import end_like_ctrl_c
from mesh.local.problems import LocalClusterError
from mesh.suspended_job import JobImpossible


class NoAudit(LocalClusterError):
    """There is no verdict."""

    exit_code = 3


def audit(
    *,
    as_document: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    settle: Annotated[float, typer.Option(min=0, help="Seconds to wait for orders in flight.")] = 20.0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds the audit may take in all.")] = 120.0,
    context: Context = "",
) -> None:
    """Compare the books of orders, payments and inventory, in whatever cluster KUBECONFIG names.

    Without KUBECONFIG it is the local cluster. The auditor runs as a Job there, which is deleted afterwards.

    \b
    argosy audit
    argosy audit --json | jq .discrepancies

    \b
    Exit codes: 0 no discrepancy, 1 discrepancies, 2 wrong usage, 3 no verdict, 4 no cluster runs.
    """  # noqa: D301
    end_like_ctrl_c()
    try:
        said = asyncio.run(_run(context, settle, timeout))
    except (JobImpossible, ConfigError) as error:
        raise NoAudit(str(error)) from error
    if as_document:
        typer.echo(json.dumps(said.report, separators=(",", ":")))
    else:
        Console().print(page(said.report))
    raise typer.Exit(said.exit_code)


async def _run(context: str, settle: float, timeout: float) -> Said:
    async with opened(meant(context)) as client:
        return await run_auditor(client, NAMESPACE, settle=settle, timeout=timeout, sleep=asyncio.sleep)
