"""How does a plot get into a page? Drawn by matplotlib, which only reports need, as a self-contained SVG element."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mesh.local.problems import LocalClusterError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NoPlots(LocalClusterError):
    """What draws is not installed."""

    def __init__(self) -> None:
        super().__init__("plots need matplotlib: pip install 'argosy[plots]'")


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """An empty figure, so many inches wide and high; draw and write it inside the block. Raises NoPlots."""
    try:
        from matplotlib import rc_context  # noqa: PLC0415  # 50 MiB and half a second that only a report needs
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise NoPlots from error
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "argosy", "font.size": 9, "axes.grid": True}):
        yield Figure(figsize=(width, height))


def svg(figure: Figure, label: str) -> str:
    """The figure as an SVG element, the same text every time; `label` is for those who do not see it."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
