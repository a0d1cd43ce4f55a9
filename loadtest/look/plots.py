"""What did a run look like over time? Rate, failures and latency over one clock, then all latencies by percentile."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from loadtest.look.ran import Ran
from mesh.plotting import new_figure, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, RED, GREY = "#4269d0", "#d9622b", "#b3261e", "#888888"
NINES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)


def drawn(ran: Ran) -> str:
    """The plots as an SVG element. Raises mesh.plotting.NoPlots."""
    with new_figure(10, 10) as figure:
        axes = figure.subplots(4)
        figure.subplots_adjust(left=0.08, right=0.99, top=0.99, bottom=0.05, hspace=0.3)
        _over_time(axes, ran)
        _by_percentile(axes[3], ran)
        for plot in axes:
            plot.grid(color="#ddd")
            if plot.get_legend_handles_labels()[0]:
                plot.legend(loc="upper left", framealpha=0.8, ncols=4)
        return svg(figure, "Plots of the run")


def _over_time(axes: list[Axes], ran: Ran) -> None:
    rate, failures, latency = axes[:3]
    slices, width = list(ran.seen.timeline.slices()), ran.seen.timeline.width
    seconds = [began for began, _ in slices]
    rate.step(seconds, [seen.calls / width for _, seen in slices], where="post", color=BLUE, label="due and sent")
    rate.axhline(ran.plan.rate, color=GREY, linestyle="--", label="asked for")
    rate.set_ylabel("calls a second")
    shares = [100 * seen.failed / seen.calls if seen.calls else 0.0 for _, seen in slices]
    failures.step(seconds, shares, where="post", color=RED)
    failures.set_ylabel("failed, %")
    for q, color in ((0.5, BLUE), (0.99, ORANGE)):
        values = [1000 * seen.latency.quantile(q) for _, seen in slices]
        latency.plot(seconds, values, color=color, label=f"p{100 * q:g}")
    latency.set_ylabel("latency, ms")
    latency.set_xlabel("seconds")
    rate.set_ylim(bottom=0)
    latency.set_ylim(bottom=0)
    failures.set_ylim(0, max(1.0, 1.1 * max(shares, default=0.0)))


def _by_percentile(plot: Axes, ran: Ran) -> None:
    """The tail stretched out, a nine at a time: where the promises are."""
    all_of_it = ran.seen.tally.latency()
    shown = [q for q in NINES if q == 0 or all_of_it.count * (1 - q) >= 1]
    points = [low + (high - low) * step / 10 for low, high in pairwise(shown) for step in range(11)]
    places = [_place(point) for point in points]
    plot.plot(places, [1000 * all_of_it.quantile(point) for point in points], color=BLUE)
    plot.set_xticks([_place(q) for q in shown], [f"{100 * q:g} %" for q in shown])
    plot.set_ylim(bottom=0)
    plot.set_ylabel("latency, ms")
    plot.set_xlabel("of the calls took no longer")


def _place(q: float) -> float:
    """How many nines a share has."""
    return -math.log10(1 - q)
