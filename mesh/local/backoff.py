"""When is a dead part started again? At once the first time, then ever later, until it has lived a while."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LONGEST, FORGIVEN_AFTER = 0.2, 10.0, 20.0


@dataclass(frozen=True)
class Backoff:
    """The state after some deaths in a row. Seconds throughout."""

    deaths_in_a_row: int = 0

    def died(self, lived: float) -> Backoff:
        """The state after one more death at the age of `lived`."""
        return Backoff(1 if lived >= FORGIVEN_AFTER else self.deaths_in_a_row + 1)

    def pause(self) -> float:
        """How long to wait before the next start."""
        if self.deaths_in_a_row <= 1:
            return 0.0
        return float(min(LONGEST, FIRST * 2 ** (self.deaths_in_a_row - 2)))
