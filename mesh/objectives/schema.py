"""What may an objectives file say? Its schema: shares are percentages, times carry their unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, model_validator

from mesh.policy.schema import Seconds, Section

_SHARE = re.compile(r"(\d{1,2}(?:\.\d+)?)%")
_DAYS = re.compile(r"([1-9]\d{0,2})d")


def _share(written: object) -> float:
    """0.999 of "99.9%"."""
    found = _SHARE.fullmatch(str(written))
    if found is None or not float(found[1]):
        raise ValueError(f"{written!r} is not a share such as 99.9%; 100% would leave no budget, not even for a deploy")
    return float(Decimal(found[1]) / 100)


def _days(written: object) -> int:
    found = _DAYS.fullmatch(str(written))
    if found is None:
        raise ValueError(f"{written!r} is not a number of days such as 30d")
    return int(found[1])


Share: TypeAlias = Annotated[float, BeforeValidator(_share)]
Days: TypeAlias = Annotated[int, BeforeValidator(_days)]


class Promise(Section):
    """What one RPC promises: the share of its calls that is answered, and how soon those are. A stream only the first.

    Answered is also who is refused as deserved: a declined card, an empty shelf.
    """

    availability: Share
    p95: Seconds | None = None
    p99: Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.p95 is None) != (self.p99 is None):
            raise ValueError("p95 and p99 belong together")
        if self.p95 is not None and self.p99 is not None and self.p95 > self.p99:
            raise ValueError("p95 is longer than p99")
        return self


class ObjectivesFile(Section):
    """One service's promises. What a window's calls may fail is its error budget."""

    service: str
    window: Days
    methods: Mapping[str, Promise]
