"""What is wrong with an object, and who says so?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Object: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend."""

    where: str
    """The overlay, or the file."""
    object: str
    """`Kind/name`; empty when it is about all of them."""
    path: str
    """The field."""
    message: str
    by: str
    """Which check found it."""

    def __str__(self) -> str:
        place = " ".join(part for part in (self.where, self.object, self.path) if part)
        return f"{place}: {self.message} [{self.by}]"


def name_of(one: Object) -> str:
    """`Kind/name`, as kubectl and this package's exceptions write it."""
    return f"{one.get('kind', '?')}/{one.get('metadata', {}).get('name', '?')}"
