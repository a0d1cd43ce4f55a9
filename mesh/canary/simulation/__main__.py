"""Compare the judge with simpler rules, and simulate whole releases: `make canary-simulation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesh.canary.simulation import page, plot, release
from mesh.canary.simulation.comparison import compare

PICTURE = Path("pictures/canary-rules.svg")


def main(
    runs: Annotated[int, typer.Option(min=1, help="Runs of each case of the comparison.")] = 4000,
    releases: Annotated[int, typer.Option(min=1, help="Runs of each release under the default plan.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tables.")] = 7,
    write: Annotated[
        Path | None, typer.Option(help="The page to write the tables into, its picture beside it.")
    ] = None,
) -> None:
    """Print how often each rule is wrong, and how releases under the default plan end."""
    cells = compare(runs, seed)
    rules = page.table(cells)
    typer.echo(rules)
    rows = [release.HEADING]
    typer.echo("\n" + release.HEADING)
    for one in release.RELEASES:
        rows.append(release.row(one, release.simulate(one, releases, seed)))
        typer.echo(rows[-1])
    if write is not None:
        text = page.filled(write.read_text(encoding="utf-8"), "rules", rules)
        text = page.filled(text, "runs", f"Of the rules {runs} runs each, of the releases {releases}; seed {seed}.")
        write.write_text(page.filled(text, "releases", "\n".join(rows)), encoding="utf-8")
        plot.plot(cells, write.parent / PICTURE)


if __name__ == "__main__":
    typer.run(main)
