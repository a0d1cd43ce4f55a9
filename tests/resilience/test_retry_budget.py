from mesh.resilience.policy import BudgetPolicy
from mesh.resilience.retry_budget import RetryBudget


def withdrawals(budget: RetryBudget, now: float, tries: int = 1000) -> int:
    return sum(budget.withdraw(now) for _ in range(tries))


def test_a_quiet_client_has_the_floor() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=0.1, floor=1.0, window=10.0))
    assert withdrawals(budget, 100.0) == 10


def test_a_busy_client_has_its_share_besides() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=0.1, floor=1.0, window=10.0))
    for _ in range(500):
        budget.deposit(100.0)
    assert withdrawals(budget, 100.0) == 60


def test_a_refused_withdrawal_costs_nothing() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=1.0, floor=0.0, window=10.0))
    assert withdrawals(budget, 100.0) == 0
    budget.deposit(100.0)
    assert withdrawals(budget, 100.0) == 1


def test_deposits_expire() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=1.0, floor=0.0, window=10.0))
    for _ in range(20):
        budget.deposit(100.0)
    assert withdrawals(budget, 111.0) == 0


def test_retries_are_forgotten_too() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=0.0, floor=1.0, window=10.0))
    assert withdrawals(budget, 100.0) == 10
    assert withdrawals(budget, 111.0) == 10


def test_what_is_left_is_what_can_be_withdrawn() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=0.1, floor=1.0, window=10.0))
    for _ in range(37):
        budget.deposit(100.0)
    assert budget.left(100.0) == 13
    budget.withdraw(100.0)
    assert budget.left(100.0) == 12
    assert withdrawals(budget, 100.0) == 12
    assert budget.left(100.0) == 0
    assert budget.left(109.9) == 0
    assert budget.left(111.0) == 10


def test_what_is_left_is_never_negative() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=1.0, floor=0.0, window=10.0))
    budget.deposit(100.0)
    budget.withdraw(105.0)
    assert budget.left(111.0) == 0  # the call is forgotten, its retry is not


def test_ratio_zero_and_floor_zero_forbid_retries() -> None:
    budget = RetryBudget(BudgetPolicy(ratio=0.0, floor=0.0))
    budget.deposit(1.0)
    assert withdrawals(budget, 1.0) == 0
