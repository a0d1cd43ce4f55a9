"""What does each layer of protection buy? `python -m loadtest.compare [--only FAULT]`, called by `make compare`.

Exit codes: 0 every claim holds, 1 one does not or nothing could be measured, 2 wrong usage, 130 interrupted.
"""

import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from lightkube import ApiError
from rich.console import Console

from loadtest.bench.local_cluster import running_cluster
from loadtest.bench.row import BenchUnavailable
from loadtest.compare.cell import NEVER
from loadtest.compare.document import write
from loadtest.compare.faults import FAULTS
from loadtest.compare.page import page
from loadtest.compare.protection import FORTH
from loadtest.compare.run import Found, compare
from loadtest.compare.switching import NothingToTakeAway
from loadtest.compare.verdicts import claims
from loadtest.mesh_objects import NotAsBefore
from mesh.gateway import known

WIDTH = 120  # of the tables in a log file
CELLS = len(FORTH)  # for each fault
INTERRUPTED = 130

Only = Annotated[list[str] | None, typer.Option(help=f"one of {', '.join(FAULTS)}; may be repeated")]
Host = Annotated[
    str, typer.Option(envvar="ARGOSY_GATEWAY", help="host:port of the local shop's gateway, when it is another")
]
Json = Annotated[Path | None, typer.Option("--json", help="where to write every number")]
Write = Annotated[Path | None, typer.Option("--write", help="where to write the page, for example docs/resilience.md")]


async def measure(keys: list[str], host: str, found: Found, console: Console) -> None:
    """Measure these faults into `found`, saying what is being done; everything is then as it was."""
    began = time.monotonic()
    with console.status("") as status:

        def say(text: str) -> None:
            line = f"{time.monotonic() - began:4.0f} s  {len(found.cells)} of {CELLS * len(keys)}  {text}"
            status.update(line)
            if not console.is_terminal:
                console.print(line, style="dim", highlight=False)

        async with running_cluster(say) as cluster:
            await compare(cluster, host, keys, say, found)


def main(only: Only = None, host: Host = "", json_file: Json = None, write_file: Write = None) -> None:
    """Measure the same faults with protection off, by one layer and by both; show, write and judge what came of it."""
    if unknown := set(only or ()) - set(FAULTS):
        raise typer.BadParameter(f"there is no fault {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    host = host or known()
    console, found = Console(width=None if sys.stdout.isatty() else WIDTH), Found()
    _clean_up_when_told_to_end()
    code = 0
    try:
        asyncio.run(measure([key for key in FAULTS if not only or key in only], host, found, console))
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (BenchUnavailable, NothingToTakeAway, NotAsBefore, ApiError) as error:
        console.print(f"[red]FAIL[/] {error}", highlight=False, soft_wrap=True)
        code = 1
    if found.cells:
        console.print(page(found))
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(as_json(found), indent=2) + "\n", encoding="utf-8")
    if write_file and not code:
        write(write_file, found)
    raise typer.Exit(code or int(not holds(found)))


def _clean_up_when_told_to_end() -> None:
    """SIGTERM ends this command as Ctrl-C does; so does SIGINT where a shell starts background jobs deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def as_json(found: Found) -> dict[str, Any]:
    """Every number and every verdict; a recovery that was not seen to end is null."""
    decided = claims(found.cells, found.crowds)
    cells = [asdict(cell) | {"share": cell.share, "goodput": cell.goodput} for cell in found.cells]
    for cell in cells:
        cell["recovery"] = None if cell["recovery"] == NEVER else cell["recovery"]
    return {
        "cells": cells,
        "crowds": [asdict(crowd) for crowd in found.crowds],
        "claims": [asdict(claim) for claim in decided],
    }


def holds(found: Found) -> bool:
    """Something was measured, and every claim about it holds."""
    decided = claims(found.cells, found.crowds)
    return bool(decided) and all(claim.holds for claim in decided)


if __name__ == "__main__":
    typer.run(main)
