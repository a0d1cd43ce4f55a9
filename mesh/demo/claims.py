"""What does the tour claim, and did it hold? Plain data, no I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesh.demo.stage import Stage


@dataclass(frozen=True)
class Check:
    """One number that was seen, what it should be, and whether it is."""

    what: str
    seen: str
    wanted: str
    holds: bool


class Skipped(Exception):
    """A step cannot be shown here, through no fault of the shop; the message says why."""


@dataclass(frozen=True)
class Step:
    """One claim and how it is shown; `run` returns the checks that decide it."""

    title: str
    claim: str
    run: Callable[[Stage], Awaitable[list[Check]]]


@dataclass(frozen=True)
class Result:
    """What came of one step; `seconds` is how long it took."""

    number: int
    title: str
    claim: str
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""
    skipped: str = ""  # why it was not shown

    @property
    def passed(self) -> bool:
        """Every check holds, there is at least one, and nothing broke on the way."""
        return not self.error and bool(self.checks) and all(check.holds for check in self.checks)

    @property
    def failed(self) -> bool:
        """It was shown, and does not hold."""
        return not self.passed and not self.skipped


def exactly(what: str, seen: int, wanted: int) -> Check:
    """A count that must be met to the unit."""
    return Check(what, str(seen), str(wanted), seen == wanted)


def at_least(what: str, seen: float, wanted: float, unit: str = "") -> Check:
    """A number with a floor."""
    return Check(what, f"{seen:g}{unit}", f">= {wanted:g}{unit}", seen >= wanted)


def at_most(what: str, seen: float, wanted: float, unit: str = "") -> Check:
    """A number with a ceiling."""
    return Check(what, f"{seen:g}{unit}", f"<= {wanted:g}{unit}", seen <= wanted)


def within_binomial(what: str, seen: int, total: int, share: float) -> Check:
    """A count of `total` calls, each counted with probability `share` (0 to 1).

    Holds within four standard deviations: an honest split misses this once in 16 000 runs.
    """
    spread = 4 * (total * share * (1 - share)) ** 0.5
    low, high = total * share - spread, total * share + spread
    return Check(what, f"{seen} of {total}", f"{max(0, low):.0f} to {min(total, high):.0f}", low <= seen <= high)
