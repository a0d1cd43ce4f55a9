"""May one more retry be sent to this peer? Retries are a share of the traffic, so they cannot multiply it.

Attempt limits bound what one call does; when everything fails, every call uses its limit and the load on
the sick peer triples. The budget is shared by all callers of a peer in the process and bounds the sum.
"""

from __future__ import annotations

from mesh.resilience.policy import BudgetPolicy
from mesh.resilience.rolling import RollingCount


class RetryBudget:
    """Counts calls and retries of the last window. One per peer, on one event loop."""

    __slots__ = ("_calls", "_floor", "_retries", "ratio")

    def __init__(self, policy: BudgetPolicy) -> None:
        self.ratio = policy.ratio
        self._floor = policy.floor * policy.window
        self._calls = RollingCount(policy.window)
        self._retries = RollingCount(policy.window)

    def deposit(self, now: float) -> None:
        """A call begins: it earns its share of a retry."""
        self._calls.add(now)

    def left(self, now: float) -> int:
        """How many retries may be sent at `now`."""
        return max(0, int(self.ratio * self._calls.total(now) + self._floor) - self._retries.total(now))

    def withdraw(self, now: float) -> bool:
        """Pay for one retry; False when the budget is spent. Ask last: what is paid for must happen."""
        if self.left(now) < 1:
            return False
        self._retries.add(now)
        return True
