import pytest

from loadtest.budget import Budget, objections
from loadtest.outcome import Kind
from loadtest.tally import Tally


def tally_of(**counts: int) -> Tally:
    """So many calls of one RPC per kind."""
    tally = Tally()
    for kind, count in counts.items():
        for _ in range(count):
            tally.record("GetProduct", kind.upper(), Kind(kind), 0.001)
    return tally


def test_a_run_without_failures_is_good() -> None:
    assert list(objections(tally_of(ok=100, expected=5), Budget())) == []


def test_a_run_without_calls_is_never_good() -> None:
    assert list(objections(Tally(), Budget())) == ["0 calls were made, at least 1 are needed to say anything"]


@pytest.mark.parametrize(("failed", "complaints"), [(1, 0), (2, 1)])
def test_failures_are_held_against_the_budget_of_their_kind(failed: int, complaints: int) -> None:
    tally = tally_of(ok=100 - failed, unavailable=failed)
    found = list(objections(tally, Budget(unavailable=0.01)))
    assert len(found) == complaints
    assert all("GetProduct UNAVAILABLE 2" in line for line in found)


@pytest.mark.parametrize(("kind", "declared"), [("refused", Budget(refused=0.01)), ("broken", Budget(broken=0.01))])
def test_one_bug_in_ten_thousand_calls_is_too_many_unless_declared(kind: str, declared: Budget) -> None:
    tally = tally_of(ok=9_999, **{kind: 1})
    assert len(list(objections(tally, Budget()))) == 1
    assert list(objections(tally, declared)) == []


def test_an_rpc_that_is_never_answered_is_no_rounding_error() -> None:
    tally = tally_of(ok=100_000)
    tally.record("WatchOrder", "UNAVAILABLE", Kind.UNAVAILABLE, 0.1)
    [line] = objections(tally, Budget())
    assert line == "WatchOrder was never answered (WatchOrder UNAVAILABLE 1)"


def test_an_error_in_the_harness_is_not_a_result() -> None:
    tally = tally_of(ok=100)
    tally.errors["KeyError: 'x'"] += 1
    [line] = objections(tally, Budget())
    assert "harness" in line
