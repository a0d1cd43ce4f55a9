"""How does a product look? A motif in the colours of a palette, on a sea of its own; drawn when it is asked for.

`Product.picture` names both: "mug/teal". A name that nobody has drawn is shown as a parcel, so that no product is
without a picture. The same product has the same sea each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from hashlib import blake2b
from pathlib import Path
from string import Template
from urllib.parse import quote

from services.storefront.pictures.palettes import PALETTES, PLAIN

MOTIFS = Path(__file__).parent / "motifs"
PARCEL = "parcel"
EDITION = "1"
"""Part of every picture's address: pictures are kept by browsers, until they are drawn anew."""

_FRAME = Template(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" role="img" aria-label="$motif">'
    '<rect width="320" height="320" fill="$ground"/>'
    '<circle cx="$sun" cy="$high" r="$size" fill="$wash"/>'
    '<path d="M0 $sea c40-16 60-16 100 0s60 16 100 0 60-16 120 0V320H0z" fill="$wash"/>'
    '<ellipse cx="160" cy="272" rx="92" ry="9" fill="$line" opacity=".12"/>'
    "$thing</svg>"
)


def address(product_id: str, picture: str) -> str:
    """Where the picture of a product is."""
    return f"/pictures/{quote(product_id)}.svg?as={quote(picture, safe='/')}&edition={EDITION}"


def drawn(product_id: str, picture: str) -> str:
    """The picture of a product, as SVG."""
    motif, _, palette = picture.partition("/")
    known = motifs()
    motif = motif if motif in known else PARCEL
    colours: dict[str, object] = asdict(PALETTES.get(palette, PLAIN))
    return _FRAME.substitute(colours, motif=motif, thing=known[motif].substitute(colours), **_sea(product_id))


def _sea(product_id: str) -> Mapping[str, int]:
    """Where the sun and the horizon are behind this product."""
    chance = blake2b(product_id.encode(), digest_size=4).digest()
    return {
        "sun": 70 + chance[0] * 180 // 255,
        "high": 70 + chance[1] * 60 // 255,
        "size": 46 + chance[2] * 30 // 255,
        "sea": 214 + chance[3] * 30 // 255,
    }


@cache
def motifs() -> Mapping[str, Template]:
    """What can be drawn, by name."""
    return {path.stem: Template(path.read_text()) for path in MOTIFS.glob("*.svg")}
