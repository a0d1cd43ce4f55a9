"""In which line of a YAML document does something stand, and does anything stand there twice?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

Place = tuple[str | int, ...]
"""Where something stands in a document: ("methods", "Charge", "deadline"), as pydantic says it."""


@dataclass(frozen=True)
class Lines:
    """The lines of one document."""

    known: Mapping[Place, int]
    twice: tuple[tuple[int, Place], ...]  # keys written again, of which PyYAML would forget one

    def line(self, place: Place) -> int:
        """The line of the innermost mapping or value there is on the way to `place`."""
        known: Place = ()
        for part in place:
            if (*known, part) in self.known:
                known = (*known, part)
        return self.known.get(known, 1)


def lines(text: str) -> Lines:
    """The lines of the document that `text` is. Raises yaml.YAMLError when it is none."""
    known: dict[Place, int] = {}
    twice = tuple(_visit(yaml.compose(text, yaml.SafeLoader), (), known))
    return Lines(known, twice)


def shown(place: Place) -> str:
    """`steps[1].weight`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _visit(node: yaml.Node | None, place: Place, known: dict[Place, int]) -> Iterator[tuple[int, Place]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, key.value)
            line = key.start_mark.line + 1
            if inner in known:
                yield line, inner
            known[inner] = line
            yield from _visit(value, inner, known)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            known[(*place, index)] = value.start_mark.line + 1
            yield from _visit(value, (*place, index), known)
