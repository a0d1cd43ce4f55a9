"""How is the tour given? `argosy demo`, on the local cluster or on the one that KUBECONFIG names."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from loadtest.shopper import open_shopper
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.demo.claims import Result
from mesh.demo.elsewhere import check_stage
from mesh.demo.local import cluster
from mesh.demo.page import Page, readable_console
from mesh.demo.stage import Stage
from mesh.demo.tour import tour
from mesh.gateway import reached
from mesh.kube_client import opened
from mesh.local.commands.surroundings import end_like_ctrl_c, progress, settings
from mesh.local.progress import Progress
from mesh.pod_processes import processes_of
from mesh.running_shop import Shop


def demo(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every number to this file.")] = None,
    context: Context = "",
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local cluster running afterwards.")] = False,
) -> None:
    """A guided tour of the mesh that checks itself: nine claims, each shown and judged.

    Starts the local cluster when it does not run, and stops what it started. On a cluster that KUBECONFIG or --context
    names it shows the shop that `argosy deploy kind` has brought there.

    \b
    argosy demo
    argosy demo --keep --json reports/demo.json
    argosy demo --context kind-argosy

    \b
    Exit codes: 0 every claim that can be shown here holds, 1 one does not, 3 the shop there cannot be reached or is
    not complete, 130 interrupted; those of `argosy up` when that fails.
    """  # noqa: D301
    meant_here = meant(context)
    end_like_ctrl_c()
    page = Page(readable_console())
    began = time.monotonic()
    with progress() as told:
        if meant_here.local:
            with cluster(settings(), told, keep=keep):
                results = asyncio.run(_tour(meant_here, page, told))
        else:
            results = asyncio.run(_tour(meant_here, page, told))
    seconds = time.monotonic() - began
    page.summary(results, seconds)
    if json_file:
        _write(json_file, results, seconds)
    raise typer.Exit(1 if any(result.failed for result in results) else 0)


async def _tour(meant_here: Cluster, page: Page, told: Progress) -> list[Result]:
    began = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(opened(meant_here))
        if not meant_here.local:
            await check_stage(client)
        gateway = await stack.enter_async_context(reached(meant_here, told))
        shopper = await stack.enter_async_context(open_shopper(gateway))
        stage = Stage(
            shop=Shop(client),
            shopper=shopper,
            gateway=gateway,
            began=began,
            say=page.say,
            processes=processes_of(meant_here, settings(), told),
        )
        return await tour(stage, page)


def _write(path: Path, results: list[Result], seconds: float) -> None:
    steps = [{**asdict(result), "passed": result.passed} for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": round(seconds, 1), "steps": steps}, indent=2) + "\n", encoding="utf-8")
