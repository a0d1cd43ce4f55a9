"""Which breakers are meant? `orders/payments/charge`: a caller, whom it calls, and the group if not all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mesh.breakers.problems import NoSuchThing

_MOST_PARTS = 3


@dataclass(frozen=True)
class Target:
    """The breakers of one service to one callee."""

    service: str
    callee: str
    group: str = ""  # empty: all of them

    @classmethod
    def parse(cls, given: str) -> Self:
        """The target that somebody typed. Raises NoSuchThing."""
        parts = given.split("/")
        if not (2 <= len(parts) <= _MOST_PARTS and all(parts)):  # noqa: PLR2004  # a caller and a callee
            raise NoSuchThing(f"{given!r} is not SERVICE/CALLEE or SERVICE/CALLEE/GROUP, like orders/payments")
        return cls(*parts)
