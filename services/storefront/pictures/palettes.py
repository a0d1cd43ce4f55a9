"""Which colours may a picture have? A palette by its name, six colours each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Palette:
    """The colours of one picture."""

    ground: str
    wash: str  # a little darker than the ground: sea and sun behind the thing
    body: str
    light: str  # where light falls on the body
    line: str
    accent: str


PALETTES: Mapping[str, Palette] = MappingProxyType(
    {
        "navy": Palette("#e3eaf4", "#d0dced", "#24426b", "#b9cbe4", "#12233c", "#c9a14a"),
        "teal": Palette("#dff1ef", "#c8e6e2", "#1f7a78", "#a9d8d3", "#0f3f40", "#e8b04b"),
        "brass": Palette("#f7eed9", "#efe0bd", "#b8862f", "#ecd39b", "#5a3d10", "#24426b"),
        "rust": Palette("#f8e6de", "#f1d3c5", "#b1512d", "#eebda5", "#5b2412", "#1f7a78"),
        "sand": Palette("#f6f0e4", "#ebdfc9", "#cdb389", "#f0e3c8", "#6b5636", "#b1512d"),
        "moss": Palette("#e8efe0", "#d6e2c9", "#5d7a3a", "#c3d5ab", "#2e3f1b", "#c9a14a"),
        "slate": Palette("#e8ebee", "#d8dee3", "#5f6f7d", "#c2ccd4", "#2b343c", "#d9843b"),
        "coral": Palette("#fce7e4", "#f7d3ce", "#e06a5c", "#f6bdb5", "#7a2a22", "#24426b"),
    }
)
PLAIN = PALETTES["slate"]
