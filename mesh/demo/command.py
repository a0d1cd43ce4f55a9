from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from lightkube import AsyncClient, KubeConfig

from loadtest.shopper import open_shopper
from mesh.demo.claims import Result
from mesh.demo.local import audit, cluster, process_finder
from mesh.demo.page import Page, readable_console
from mesh.demo.stage import Stage
from mesh.demo.tour import tour
from mesh.local.addresses import LOOPBACK, addresses_of
from mesh.local.commands.surroundings import end_like_ctrl_c, progress, settings
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.running_shop import Shop


def demo(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every number to this file.")] = None,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the cluster running afterwards.")] = False,
) -> None:
    """A guided tour of the mesh that checks itself: eight claims, each shown and judged.

    Starts the cluster when it does not run, and stops what it started.

    \b
    argosy demo
    argosy demo --keep --json reports/demo.json

    \b
    Exit codes: 0 every claim holds, 1 one does not, 130 interrupted; those of `argosy up` when that fails.
    """  # noqa: D301
    chosen = settings()
    end_like_ctrl_c()
    page = Page(readable_console())
    began = time.monotonic()
    with progress() as told, cluster(chosen, told, keep=keep):
        results = asyncio.run(_tour(chosen, page))
    seconds = time.monotonic() - began
    page.summary(results, seconds)
    if json_file:
        _write(json_file, results, seconds)
    raise typer.Exit(0 if all(result.passed for result in results) else 1)


async def _tour(chosen: Settings, page: Page) -> list[Result]:
    folder = StateFolder(chosen.state)
    gateway = f"{LOOPBACK}:{addresses_of(chosen.instance).gateway}"
    client = AsyncClient(config=KubeConfig.from_file(folder.kubeconfig), trust_env=False)
    began = datetime.now(UTC)
    try:
        async with open_shopper(gateway) as shopper:
            stage = Stage(
                shop=Shop(client),
                shopper=shopper,
                gateway=gateway,
                began=began,
                say=page.say,
                process_of=process_finder(folder),
                audit=lambda: asyncio.to_thread(audit, folder.kubeconfig),
            )
            return await tour(stage, page)
    finally:
        await client.close()


def _write(path: Path, results: list[Result], seconds: float) -> None:
    steps = [{**asdict(result), "passed": result.passed} for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": round(seconds, 1), "steps": steps}, indent=2) + "\n", encoding="utf-8")
