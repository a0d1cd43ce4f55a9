"""What did a run look like over time? Four plots over one clock: traffic, errors, latency, evidence. One SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mesh.canary.journal.blocks import block_of, verdict_of
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.state import fold
from mesh.canary.judge.counts import Block, Counts
from mesh.canary.look.page import questions, share
from mesh.plotting import new_figure, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BASELINE, CANARY = "#4269d0", "#d9622b"
_STYLES = {
    "red": ("#b3261e", "#e0857d", "#b26a00", "#e0b57d", "#8a4fbf", "#c3a1e0"),
    "green": ("#2e7d32", "#5a9e5e", "#8bc08e"),
}


def drawn(entries: Sequence[Entry]) -> str:
    """The plots of a run as an SVG element. Raises NoPlots."""
    with new_figure(10, 11) as figure:
        axes = figure.subplots(4, sharex=True)
        figure.subplots_adjust(left=0.08, right=0.99, top=0.99, bottom=0.05, hspace=0.08)
        began = entries[0].at
        blocks = [block_of(entry.facts) for entry in entries if entry.kind is Kind.BLOCK]
        minutes = [(block.at - began) / 60 for block in blocks]
        for plot, draw in zip(axes, (_traffic, _errors, _latency), strict=False):
            draw(plot, minutes, blocks)
        _weights(axes[0], entries)
        _evidence(axes[3], entries)
        for plot in axes:
            plot.grid(color="#ddd")
            plot.set_ylim(0, 1.25 * plot.get_ylim()[1])  # with room for the legend
            if plot.get_legend_handles_labels()[0]:  # before the first verdict there is no evidence
                plot.legend(loc="upper left", framealpha=0.8, ncols=4)
        axes[3].set_xlabel("minutes since the start")
        return svg(figure, "Plots of the run")


def _traffic(plot: Axes, minutes: Sequence[float], blocks: Sequence[Block]) -> None:
    shares = [100 * _ratio(block.canary.requests, block.canary.requests + block.baseline.requests) for block in blocks]
    plot.plot(minutes, shares, ".", color=CANARY, label="canary's share of the requests")
    plot.set_ylabel("traffic, %")


def _weights(plot: Axes, entries: Sequence[Entry]) -> None:
    """The weight as it was set, from one change to the next."""
    canary, began = fold(entries[:1]).canary, entries[0].at
    changes = [
        ((entry.at - began) / 60, entry.facts["weights"].get(canary, 0))
        for entry in entries
        if entry.kind is Kind.APPLIED and entry.facts["done"]
    ]
    at, weights = zip(
        (0.0, 0), *changes, ((entries[-1].at - began) / 60, changes[-1][1] if changes else 0), strict=True
    )
    plot.step(at, weights, where="post", color=CANARY, alpha=0.5, label="its weight")


def _errors(plot: Axes, minutes: Sequence[float], blocks: Sequence[Block]) -> None:
    for label, color, counts in _arms(blocks):
        plot.plot(minutes, [100 * _ratio(one.errors, one.requests) for one in counts], color=color, label=label)
    plot.set_ylabel("errors, % of a block")


def _latency(plot: Axes, minutes: Sequence[float], blocks: Sequence[Block]) -> None:
    for label, color, counts in _arms(blocks):
        plot.plot(minutes, [_quantile(one, 0.99) for one in counts], color=color, label=f"{label}, p99")
        plot.plot(minutes, [_quantile(one, 0.5) for one in counts], ":", color=color, label=f"{label}, p50")
    plot.set_ylabel("latency, ms")


def _evidence(plot: Axes, entries: Sequence[Entry]) -> None:
    """How far the evidence for each answer was on its way, as the meters show it: a line at 1 has decided."""
    judged = [entry for entry in entries if entry.kind is Kind.JUDGED]
    minutes = [(entry.at - entries[0].at) / 60 for entry in judged]
    lines: dict[tuple[str, str], list[float]] = {}
    for entry in judged:
        for question, value, needed, style in questions(verdict_of(entry.facts).evidence):
            lines.setdefault((question, style), []).append(share(value, needed))
    colors = {style: iter(shades) for style, shades in _STYLES.items()}
    for (question, style), values in lines.items():
        plot.plot(minutes, values, color=next(colors[style]), label=question)
    plot.set_ylim(0, 1)
    plot.set_ylabel("evidence (1 decides)")


def _arms(blocks: Sequence[Block]) -> tuple[tuple[str, str, list[Counts]], ...]:
    return (
        ("baseline", BASELINE, [block.baseline for block in blocks]),
        ("canary", CANARY, [block.canary for block in blocks]),
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan  # nothing is drawn of nothing


def _quantile(counts: Counts, q: float) -> float:
    return counts.latency.quantile(q) if counts.latency.total else math.nan
