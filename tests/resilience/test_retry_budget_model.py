"""The retry budget against a model that keeps every call and every retry it ever saw."""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mesh.resilience.policy import BudgetPolicy
from mesh.resilience.retry_budget import RetryBudget

# Whole seconds and buckets of half a second: nothing falls on a bucket's edge by rounding.
WINDOW = 10


class BudgetAndModel(RuleBasedStateMachine):
    @initialize(eighths=st.integers(0, 8), floor=st.integers(0, 2))
    def start(self, eighths: int, floor: int) -> None:
        self.share = eighths / 8  # exact in a float, as tenths are not
        self.floor, self.now = floor * WINDOW, 0
        self.budget = RetryBudget(BudgetPolicy(ratio=self.share, floor=float(floor), window=float(WINDOW)))
        self.calls: list[int] = []
        self.retries: list[int] = []

    def recent(self, instants: list[int]) -> int:
        return sum(at > self.now - WINDOW for at in instants)

    def left(self) -> int:
        return math.floor(self.share * self.recent(self.calls)) + self.floor - self.recent(self.retries)

    @rule(seconds=st.integers(1, 25))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 30))
    def calls_begin(self, count: int) -> None:
        for _ in range(count):
            self.budget.deposit(self.now)
            self.calls.append(self.now)

    @rule(count=st.integers(1, 30))
    def retries_are_asked_for(self, count: int) -> None:
        for _ in range(count):
            allowed = self.left() >= 1
            assert self.budget.withdraw(self.now) is allowed
            if allowed:
                self.retries.append(self.now)

    @invariant()
    def they_agree(self) -> None:
        assert self.budget.left(self.now) == max(0, self.left())


BudgetAndModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRetryBudgetAgreesWithItsModel = BudgetAndModel.TestCase
