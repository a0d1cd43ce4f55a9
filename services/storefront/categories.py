"""What are the categories called, and how do they look? Those we know; of any other its id tells the name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class CategoryFace:
    """A category as the pages show it."""

    id: str
    name: str
    about: str
    picture: str


_FACES: Mapping[str, CategoryFace] = MappingProxyType(
    {
        face.id: face
        for face in (
            CategoryFace("cabin", "Cabin", "To sleep, to sit, to be at home below deck.", "hammock/teal"),
            CategoryFace("clothing", "Clothing", "Warm when wet, and good-looking when dry.", "sweater/navy"),
            CategoryFace("curiosities", "Curiosities", "What sailors bring home and cannot explain.", "ship/rust"),
            CategoryFace("deck", "Deck", "Iron, brass and timber that take the weather.", "anchor/slate"),
            CategoryFace("galley", "Galley", "For the cook, who is never thanked enough.", "mug/coral"),
            CategoryFace("library", "Library", "Logbooks, paper and the long evenings.", "book/moss"),
            CategoryFace("lights", "Lights", "To see, and to be seen.", "lantern/brass"),
            CategoryFace("navigation", "Navigation", "Where we are, and how we know.", "compass/navy"),
            CategoryFace("provisions", "Provisions", "Tea, biscuits, and what else keeps.", "tin/sand"),
            CategoryFace("rigging", "Rigging", "Rope, and the knots that hold it.", "rope/brass"),
        )
    }
)


def face(category_id: str) -> CategoryFace:
    """How this category looks."""
    return _FACES.get(category_id) or CategoryFace(category_id, category_id.replace("-", " ").capitalize(), "", "")
