"""How many releases has each rule rolled back by which minute? As a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from mesh.canary.simulation.comparison import Cell

SHOWN = ("A/A 0.5 %", "A/A 0.5 %, bursts (shape 2)", "0.05 % to 0.5 % (10x)")


def plot(cells: Sequence[Cell], file: Path) -> None:
    """Write `file`, as SVG; the same cells give the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "argosy", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, 3.4), layout="constrained")
        axes = figure.subplots(1, len(SHOWN), sharey=True)
        for axis, name in zip(axes, SHOWN, strict=True):
            for cell in (cell for cell in cells if cell.case.name == name):
                ours = cell.rule.startswith("**")
                minutes = range(1, len(cell.until) + 1)
                axis.step(minutes, cell.until, label=cell.rule.strip("*"), lw=2.5 if ours else 1, where="post")
            axis.set(title=name, xlabel="minute", ylim=(-0.02, 1.02))
            axis.grid(alpha=0.3)
        axes[0].set_ylabel("share rolled back")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None})
