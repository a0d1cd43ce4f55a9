"""What is one measured number, and does it hold?

A bench is a module of this package with one coroutine:

    async def measure(say: Callable[[str], None]) -> list[Row]: ...

`say` shows one line of progress. Raising `BenchUnavailable` says what is missing to measure at all.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One number of the report: `value` in `unit`, the `target` in words ("<= 15 us"), and whether it holds."""

    name: str
    value: float
    unit: str
    target: str
    holds: bool

    @classmethod
    def at_most(cls, name: str, value: float, limit: float, unit: str) -> "Row":
        """A row that holds while the value is no greater than the limit."""
        return cls(name, value, unit, f"<= {limit:g} {unit}", value <= limit)

    @classmethod
    def at_least(cls, name: str, value: float, limit: float, unit: str) -> "Row":
        """A row that holds while the value is no less than the limit."""
        return cls(name, value, unit, f">= {limit:g} {unit}", value >= limit)

    @classmethod
    def context(cls, name: str, value: float, unit: str) -> "Row":
        """A number that explains the others and has no target of its own."""
        return cls(name, value, unit, "", holds=True)


class BenchUnavailable(Exception):
    """The bench cannot be measured here; the message says what is missing."""
