"""How does a run look over time? Load, errors, latency, and who noticed what, over one clock with the fault in red."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from mesh.chaos.look.timeline import Second, Timeline
from mesh.chaos.observed import Event, Happened
from mesh.plotting import new_figure, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = {"orders": "#4269d0", "browsing": "#3b8c5a", "pages": "#d9822b"}
_WRONG, _TRYING, _SHARED = "#b3261e", "#e0a53d", "#8a4fbf"
_MOST_ROWS = 24  # of what changed; the list below the picture has all
_LONGEST_NAME = 60

Span = tuple[float, float, str]
"""From when until when something was in a state, and its colour."""


def drawn(seen: Timeline) -> str:
    """The plots of a run as an SVG element. Raises NoPlots."""
    lanes = dict(list(changes(seen).items())[:_MOST_ROWS])
    below = 0.6 + 0.22 * max(1, len(lanes))
    with new_figure(11, 6 + below) as figure:
        axes = figure.subplots(4, sharex=True, height_ratios=[1.6, 1.6, 2.2, below])
        figure.subplots_adjust(left=0.33, right=0.98, top=0.98, bottom=0.45 / (6 + below), hspace=0.08)
        for plot, draw in zip(axes, (_load, _errors, _latency), strict=False):
            for stream, seconds in seen.streams.items():
                draw(plot, stream, seconds[: int(seen.ended)])  # without the last one, which is not whole
            plot.legend(loc="upper left", framealpha=0.8, ncols=6, fontsize=7)
        _lanes(axes[3], lanes)
        for plot in axes:
            plot.grid(color="#ddd")
            _fault(plot, seen)
        axes[0].set(ylabel="calls / s", ylim=(0, 1.4 * max(1.0, axes[0].get_ylim()[1])))
        axes[1].set(ylabel="failed, %", ylim=(-3, 125))
        axes[2].set(ylabel="latency, ms", yscale="log", ylim=_bounds(seen))
        axes[3].set(xlabel="seconds since the steady state began", xlim=(0, max(1.0, seen.ended)))
        return svg(figure, "Plots of the run")


def changes(seen: Timeline) -> Mapping[str, Sequence[Span]]:
    """By what changed, the spans in which it was not as ever: an open breaker, an ejection, a pod, a canary's share."""
    kinds = (Happened.BREAKER, Happened.EJECTION, Happened.POD, Happened.CANARY)
    events = sorted((event for event in seen.events if event.kind in kinds), key=lambda event: event.at)
    of_each: dict[str, list[Event]] = {}
    for event in events:
        of_each.setdefault(f"{event.kind} {event.subject}", []).append(event)
    spans = {name: tuple(_spans(each, seen.ended)) for name, each in of_each.items()}
    return {name: found for name, found in spans.items() if found}


def _spans(events: Sequence[Event], ended: float) -> Iterator[Span]:
    until = [later.at for _, later in pairwise(events)] + [ended]
    for event, end in zip(events, until, strict=True):
        if color := _color(event):
            yield event.at, max(end, event.at), color


def _color(event: Event) -> str:
    """What state it is in from then on; empty when it is as ever."""
    match event.kind:
        case Happened.BREAKER:
            return {"open": _WRONG, "half-open": _TRYING}.get(str(event.facts.get("state")), "")
        case Happened.EJECTION:
            return _WRONG if event.facts.get("ejected") else ""
        case Happened.CANARY:
            return _SHARED if sum(1 for weight in event.facts.get("weights", {}).values() if weight) > 1 else ""
        case _:
            return _WRONG if event.facts.get("gone") or event.facts.get("ready") is False else ""


def _load(plot: Axes, stream: str, seconds: Sequence[Second]) -> None:
    plot.plot(_middle(seconds), [each.calls for each in seconds], color=_COLORS.get(stream), label=stream)


def _errors(plot: Axes, stream: str, seconds: Sequence[Second]) -> None:
    shares = [100 * each.failed / each.calls if each.calls else math.nan for each in seconds]
    plot.plot(_middle(seconds), shares, ".-", color=_COLORS.get(stream), label=stream)


def _latency(plot: Axes, stream: str, seconds: Sequence[Second]) -> None:
    for quantile, style in (("p99", "-"), ("p50", ":")):
        found = [getattr(each, quantile) or math.nan for each in seconds]
        plot.plot(_middle(seconds), found, style, color=_COLORS.get(stream), label=f"{stream} {quantile}")


def _bounds(seen: Timeline) -> tuple[float, float]:
    """Of all latencies, with room for the legend."""
    found = [value for seconds in seen.streams.values() for each in seconds for value in (each.p50, each.p99) if value]
    return (min(found) / 1.5, max(found) * 5) if found else (1.0, 1000.0)


def _middle(seconds: Sequence[Second]) -> list[float]:
    return [place + 0.5 for place in range(len(seconds))]


def _lanes(plot: Axes, lanes: Mapping[str, Sequence[Span]]) -> None:
    """A row for all that was not as ever: red while it was out, yellow while it was tried, violet while shared."""
    for row, spans in enumerate(lanes.values()):
        bars = [(start, max(0.15, end - start)) for start, end, _ in spans]
        plot.broken_barh(bars, (row - 0.35, 0.7), facecolors=[color for *_, color in spans])
    names = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..." for name in lanes]
    plot.set_yticks(range(len(names)), names or [], fontsize=7)
    plot.set_ylim(max(1, len(names)) - 0.5, -0.5)
    if not lanes:
        plot.text(0.01, 0.5, "no breaker, host or pod changed", transform=plot.transAxes, va="center", color="#777")


def _fault(plot: Axes, seen: Timeline) -> None:
    """When it was there, from a line that is all there is of what only happened."""
    plot.axvspan(seen.injected, seen.removed, color=_WRONG, alpha=0.12, lw=0)
    plot.axvline(seen.injected, color=_WRONG, lw=0.8)
