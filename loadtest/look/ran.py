"""What is known of a run when it is over?"""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.gate import Judgement
from loadtest.generator.plan import Plan
from loadtest.generator.seen import Seen
from loadtest.reconciling import Compared


@dataclass(frozen=True)
class Ran:
    """One run: what was asked for, what was seen, and what it comes to."""

    plan: Plan
    seen: Seen
    judgement: Judgement
    comparison: tuple[Compared, ...]
    uncompared: str = ""  # why servers' counts were not looked at
    began: float = 0.0  # unix time

    @property
    def achieved_rate(self) -> float:
        """Calls per second that were really sent, over the run."""
        return self.plan.rate * self.seen.punctuality.achieved
