"""What does `argosy chaos kills` do? Kill processes of the shop at random, and judge what is left of the books."""

from __future__ import annotations

import json
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mesh.canary.act.holder import operator
from mesh.chaos.commands.asking import allowed, end_with
from mesh.chaos.kills.judging import document, outcome
from mesh.chaos.kills.running import kill_at_random
from mesh.chaos.observe.environment import environment
from mesh.chaos.run.locks import held
from mesh.chaos.run.place import begun
from mesh.chaos.run.stage import staged
from mesh.chaos.verdict import Outcome
from mesh.chosen_cluster import NAMESPACE, Cluster, Context, meant
from mesh.local.commands.surroundings import page, progress

EXPERIMENT = "random-kills"
WITH_CANARIES = ("catalog", "payments")
_STYLES = {Outcome.PASS: "bold green", Outcome.FAIL: "bold red"}


def kills(
    *,
    times: Annotated[int, typer.Option(min=1, help="How many processes are killed.")] = 500,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two, on average.")] = 1.5,
    seed: Annotated[int | None, typer.Option(min=0, help="Draw victims and orders as that time.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file, too.")] = None,
    context: Context = "",
) -> None:
    """Kill random processes of the shop and its sidecars (SIGKILL) while customers order; then audit the books.

    PASS: nobody was charged twice, no order is lost, every order is final within 30 s, and the stock is conserved. How
    many calls failed meanwhile is told, and not judged. There is nothing to undo: Kubernetes starts again what was
    killed.

    \b
    argosy chaos kills --times 50
    argosy chaos kills --times 500 --seed 7 --json reports/kills.json

    \b
    Exit codes: 0 PASS, 1 FAIL, 2 wrong usage, 3 INVALID: nothing is proved, 4 no cluster runs, 20 refused, 30 the tool
    itself failed, 130 interrupted.
    """  # noqa: D301
    chosen = SystemRandom().randrange(2**31) if seed is None else seed
    end_with(_kills(meant(context), times, every, chosen, json_file))


async def _kills(cluster: Cluster, times: int, every: float, seed: int, json_file: Path | None) -> int:
    await allowed(cluster)
    run, folder = begun(cluster, EXPERIMENT, control=False)
    with progress() as told:
        told.done(f"{EXPERIMENT}: {times} kills, seed {seed}")
        async with staged(cluster, run, told, told.now) as site:
            async with held(site.client, WITH_CANARIES, f"{operator()} chaos {run}", NAMESPACE):
                seen = await kill_at_random(site, times, every=every, seed=seed)
            whole = document(seen, run=run, seed=seed, environment=await environment(site, seed))
    for path in (folder / "kills.json", *([json_file] if json_file else ())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    page().print(shown(whole))
    return outcome(seen).exit_code


def shown(whole: dict[str, Any]) -> RenderableType:
    """The verdict for people, of what `document` made."""
    table = Table("promise", "seen", "wanted", "", box=None)
    for check in whole["checks"]:
        table.add_row(check["what"], check["seen"], check["wanted"], "yes" if check["holds"] else "[red]NO[/]")
    customers, result = whole["customers"], Outcome(whole["outcome"])
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(customers["refused"].items())) or "none"
    return Group(
        table,
        f"{customers['asked']} orders were asked for, {customers['tries']} times in all; came to nothing: {refused}",
        *(
            f"{stream}: {', '.join(f'{n} {code}' for code, n in codes.items())}"
            for stream, codes in whole["calls"].items()
        ),
        Text(f"{result.value} {whole['run']}", style=_STYLES.get(result, "bold yellow")),
    )
