import pytest

from mesh.resilience import BreakerPolicy, CircuitOpen
from mesh.resilience.breaker import CLOSED, HALF_OPEN, OPEN
from mesh.resilience.verdicts import FAILED, HEALTHY, NEUTRAL, Health
from tests.resilience.circuit import Circuit


def test_half_open_admits_one_trial_of_fifty_callers() -> None:
    circuit = Circuit()
    circuit.open()
    circuit.time.pass_by(5.0)
    admitted = 0
    for _ in range(50):
        try:
            circuit.admit()
        except CircuitOpen as rejected:
            facts = (rejected.peer, rejected.group, rejected.retry_in)
            assert facts == ("payments", "charge", 0.0)
        else:
            admitted += 1
    assert admitted == 1


def test_half_open_admits_as_many_trials_as_the_policy_says() -> None:
    circuit = Circuit(BreakerPolicy(trials=3))
    circuit.open()
    circuit.time.pass_by(5.0)
    for _ in range(3):
        circuit.admit()
    with pytest.raises(CircuitOpen):
        circuit.admit()


def test_a_trial_that_ends_frees_its_own_slot_and_no_other() -> None:
    circuit = Circuit(BreakerPolicy(trials=2))
    circuit.open()
    circuit.time.pass_by(5.0)
    circuit.settle(circuit.admit(), NEUTRAL)
    circuit.admit()
    circuit.admit()
    with pytest.raises(CircuitOpen):
        circuit.admit()


def test_cancelled_trial_frees_the_slot() -> None:
    circuit = Circuit()
    trial = circuit.half_open()
    circuit.settle(trial, NEUTRAL)
    assert circuit.state == HALF_OPEN
    assert not circuit.rejects()


def test_a_failed_trial_opens_it_again() -> None:
    circuit = Circuit()
    circuit.settle(circuit.half_open(), FAILED)
    assert circuit.state == OPEN
    assert circuit.rejects()


def test_three_successes_in_turn_close_it() -> None:
    circuit = Circuit()
    circuit.settle(circuit.half_open(), HEALTHY)
    assert circuit.state == HALF_OPEN
    circuit.calls(HEALTHY)
    assert circuit.state == HALF_OPEN
    circuit.calls(HEALTHY)
    assert circuit.state == CLOSED


def test_old_successes_do_not_count_in_a_new_half_open_period() -> None:
    circuit = Circuit()
    circuit.settle(circuit.half_open(), HEALTHY)
    circuit.calls(HEALTHY, FAILED)
    circuit.time.pass_by(10.0)
    circuit.calls(HEALTHY)
    assert circuit.state == HALF_OPEN


@pytest.mark.parametrize(
    ("calls", "state"),
    [
        ([HEALTHY] * 19 + [FAILED], CLOSED),  # old failures are forgotten
        ([FAILED] * 20, OPEN),  # and so are old successes
    ],
)
def test_a_closed_again_circuit_starts_with_a_clean_window(calls: list[Health], state: str) -> None:
    circuit = Circuit(BreakerPolicy(window=1000.0))
    circuit.calls(*[HEALTHY] * 20, *[FAILED] * 20)
    circuit.time.pass_by(5.0)
    circuit.calls(*[HEALTHY] * 3)
    assert circuit.state == CLOSED
    circuit.calls(*calls)
    assert circuit.state == state


# Stale outcomes: what began before a transition says nothing about the peer as it is now


def test_rule_15_late_success_does_not_close_the_circuit() -> None:
    circuit = Circuit(BreakerPolicy(successes_to_close=1))
    slow = circuit.admit()
    circuit.half_open()
    circuit.settle(slow, HEALTHY)
    assert circuit.state == HALF_OPEN


def test_rule_15_late_failure_does_not_reopen_or_prolong() -> None:
    circuit = Circuit()
    slow = [circuit.admit() for _ in range(30)]
    circuit.open()
    for generation in slow:
        circuit.settle(generation, FAILED)
    circuit.time.pass_by(5.0)
    trial = circuit.admit()
    assert circuit.state == HALF_OPEN
    circuit.settle(slow[0], FAILED)
    assert circuit.state == HALF_OPEN
    circuit.settle(trial, HEALTHY)
    circuit.calls(HEALTHY, HEALTHY)
    assert circuit.state == CLOSED
    for generation in slow:
        circuit.settle(generation, FAILED)
    assert circuit.state == CLOSED


def test_late_outcome_frees_no_slot_it_does_not_hold() -> None:
    circuit = Circuit()
    slow = circuit.admit()
    circuit.half_open()
    circuit.settle(slow, NEUTRAL)
    assert circuit.rejects()
