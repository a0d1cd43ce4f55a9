"""`argosy load capacity`: how many calls a second does each service take, and how many orders the whole shop?"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtest.capacity.curve import Curve, verdict
from loadtest.capacity.document import PICTURE, document
from loadtest.capacity.measuring import curve
from loadtest.capacity.plots import drawn
from loadtest.machine import machine
from loadtest.profiles import PROFILES
from loadtest.target import probe
from mesh import gateway
from mesh.chosen_cluster import Cluster, Context, meant
from mesh.local.commands.surroundings import progress
from mesh.objectives.reading import read

MEASURED = ("catalog", "inventory", "cart", "recommendations", "orders", "shop")
WIDTH = 110

Profiles = Annotated[
    list[str] | None, typer.Argument(help=f"of {', '.join(MEASURED)}; all of them unless some are named")
]
Seconds = Annotated[float, typer.Option("--seconds", min=2, help="how long each step lasts")]
Json = Annotated[Path, typer.Option("--json", help="where to write the numbers")]
Write = Annotated[Path | None, typer.Option("--write", help="a page to write, with its plots in pictures/ beside it")]


def capacity(
    profiles: Profiles = None,
    seconds: Seconds = 8.0,
    json_file: Json = Path("reports/capacity.json"),
    write: Write = None,
    context: Context = "",
) -> None:
    """Find the knee of throughput against latency, of each service and of the whole shop (about 15 minutes).

    \b
    argosy load capacity orders
    argosy load capacity --write docs/capacity.md

    Exit codes: 0 measured, 2 wrong usage, 3 nothing holds or a load generator was lost, 4 no cluster runs.
    """  # noqa: D301 - \b keeps the lines apart in --help
    if unknown := set(profiles or ()) - PROFILES.keys():
        known = ", ".join(PROFILES)
        raise typer.BadParameter(f"there is no profile {', '.join(sorted(unknown))}; there are {known}")
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    curves = asyncio.run(_measured(meant(context), profiles or MEASURED, seconds, console))
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_text(json.dumps([each.to_json() for each in curves], indent=2) + "\n")
    if write:
        _write(write, curves, seconds)
    if not all(each.knee for each in curves):
        raise typer.Exit(3)


async def _measured(cluster: Cluster, profiles: Sequence[str], seconds: float, console: Console) -> list[Curve]:
    promises = {objective.rpc: objective for objective in read().values()}
    curves = []
    async with gateway.reached(cluster, progress()) as target:
        await probe(target)
        for profile in profiles:

            def say(text: str, profile: str = profile) -> None:
                console.print(f"{profile}: {text}", style="dim", soft_wrap=True)

            curves.append(await curve(profile, target, seconds, promises, say))
            console.print(f"{profile}: {verdict(curves[-1])}", soft_wrap=True)
    return curves


def _write(page: Path, curves: Sequence[Curve], seconds: float) -> None:
    picture = page.parent / PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(drawn(curves), encoding="utf-8")
    page.write_text(document(curves, seconds, date.today(), machine()), encoding="utf-8")  # noqa: DTZ011 - the reader's day
