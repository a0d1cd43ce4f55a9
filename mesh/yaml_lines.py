"""What does a YAML document say, in which line, and does anything stand there twice?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

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


class Unreadable(Exception):
    """A text that is no YAML, or says something twice. `problems` has a line for each error, with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def loaded(name: str, text: str) -> tuple[Any, Lines]:
    """What the document `name` says, and where. Raises Unreadable."""
    try:
        found = lines(text)
        if problems := [f"{name}:{line}: {shown(place)} is written twice" for line, place in found.twice]:
            raise Unreadable(problems)
        return yaml.load(text, yaml.CSafeLoader), found
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable([f"{name}:{line}: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise Unreadable([f"{name}:1: this is no YAML: {error}"]) from error


def complaints(name: str, found: Lines, error: ValidationError) -> list[str]:
    """What pydantic found wrong with the document, a line for each, with its place."""
    return [
        f"{name}:{found.line(one['loc'])}: {shown(one['loc'])}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    ]


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
