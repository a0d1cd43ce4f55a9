"""What do the curves look like? Latency over what was answered, a plot for each kind of load. One SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from loadtest.capacity.curve import Curve
from mesh.local.problems import LocalClusterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 2
P50, P99, KNEE, BEYOND = "#4269d0", "#d9622b", "#2e7d32", "#b3261e"


class NoPlots(LocalClusterError):
    """What draws is not installed."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__("plots need matplotlib: pip install 'argosy[plots]'")


def drawn(curves: Sequence[Curve]) -> str:
    """The plots as an SVG document. Raises NoPlots."""
    try:
        from matplotlib import rc_context  # noqa: PLC0415  # 50 MiB and half a second that only a report needs
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise NoPlots from error
    rows = ceil(len(curves) / COLUMNS)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "argosy", "font.size": 9, "axes.grid": True}):
        figure = Figure(figsize=(10, 3.2 * rows), layout="constrained", facecolor="white")
        plots = figure.subplots(rows, COLUMNS, squeeze=False).flat
        for plot, curve in zip(plots, curves, strict=False):
            _draw(plot, curve)
        for empty in list(figure.axes)[len(curves) :]:
            empty.set_axis_off()
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _draw(plot: Axes, curve: Curve) -> None:
    answered = [step.answered for step in curve.steps]
    plot.plot(answered, [1000 * step.p99 for step in curve.steps], ".-", color=P99, label="p99")
    plot.plot(answered, [1000 * step.p50 for step in curve.steps], ".:", color=P50, label="p50")
    beyond = [step for step in curve.steps if not step.holds]
    plot.plot(
        [step.answered for step in beyond],
        [1000 * step.p99 for step in beyond],
        "x",
        color=BEYOND,
        label="does not hold",
    )
    if curve.knee:
        plot.axvline(curve.knee.answered, color=KNEE, alpha=0.6, label=f"knee: {curve.knee.offered:.0f} a second")
    plot.set_yscale("log")
    plot.yaxis.set_major_formatter("{x:g}")
    plot.yaxis.set_minor_formatter("")
    plot.set_xlim(left=0)
    plot.set_ylim(top=6 * plot.get_ylim()[1])  # with room for the legend
    plot.set_title(curve.profile)
    plot.set_xlabel("calls answered as they deserved, a second")
    plot.set_ylabel("ms")
    plot.grid(color="#ddd")
    plot.legend(loc="upper left", framealpha=0.8, ncols=2)
