"""How is a manifest written so that people like to read it? With a reason beside a value that needs one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_PLAIN = re.compile(r"[\w/][\w./,-]*")


@dataclass(frozen=True)
class Because:
    """A scalar, and why it is what it is."""

    value: str | float | bool
    why: str


def text(comment: str, document: Mapping[str, Any] | list[Any]) -> str:
    """`comment`, each of its lines behind a #, and the document below it."""
    lines = _items(document, "") if isinstance(document, list) else _lines(document)
    return "\n".join([*(f"# {line}" for line in comment.splitlines()), *lines]) + "\n"


def _lines(node: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    for name, value in node.items():
        key = json.dumps(name) if name.isdecimal() else name  # the API takes no numbers for keys
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        elif isinstance(value, list) and not (len(value) == 1 and isinstance(value[0], str)):
            yield f"{indent}{key}:"
            yield from _items(value, indent)
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _items(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping):
            first, *rest = _lines(item, indent + "  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
        else:
            yield f"{indent}- {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, Because):
        return f"{_scalar(value.value)} # {value.why}"
    if isinstance(value, list):
        return f"[{_scalar(value[0])}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value)
