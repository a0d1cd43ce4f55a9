from mesh.resilience.breaker import CLOSED, OPEN
from mesh.resilience.verdicts import FAILED, HEALTHY, NEUTRAL
from tests.resilience.circuit import POLICY, Circuit


def test_closed_lets_calls_flow() -> None:
    circuit = Circuit()
    circuit.calls(*[HEALTHY] * 1000)
    assert circuit.state == CLOSED


def test_rule_11_half_of_the_calls_failing_opens_it() -> None:
    circuit = Circuit()
    circuit.calls(*[HEALTHY, FAILED] * 9, HEALTHY)
    assert circuit.state == CLOSED
    circuit.calls(FAILED)
    assert circuit.state == OPEN


def test_fewer_than_half_never_open_it() -> None:
    circuit = Circuit()
    circuit.calls(*[HEALTHY, HEALTHY, FAILED] * 200)
    assert circuit.state == CLOSED


def test_rule_11_a_few_failures_prove_nothing() -> None:
    circuit = Circuit()
    circuit.calls(*[FAILED] * (POLICY.min_calls - 1))
    assert circuit.state == CLOSED


def test_a_success_never_opens_it_even_when_it_makes_up_the_minimum() -> None:
    circuit = Circuit()
    circuit.calls(*[FAILED] * 19, HEALTHY)
    assert circuit.state == CLOSED
    circuit.calls(FAILED)
    assert circuit.state == OPEN


def test_failures_are_forgotten_after_the_window() -> None:
    circuit = Circuit()
    circuit.calls(*[FAILED] * 19)
    circuit.time.pass_by(POLICY.window + 0.1)
    circuit.calls(*[FAILED] * 19)
    assert circuit.state == CLOSED


def test_neutral_outcomes_are_neither_success_nor_failure() -> None:
    circuit = Circuit()
    circuit.calls(*[NEUTRAL] * 100, *[FAILED] * 19)
    assert circuit.state == CLOSED  # they are no volume
    circuit.calls(*[NEUTRAL] * 100, FAILED)
    assert circuit.state == OPEN  # and thin out no failures


def test_from_its_first_second_it_rejects_nothing() -> None:
    circuit = Circuit()
    assert not circuit.breaker.rejects_at(0.0)
    assert circuit.breaker.reopens_in(0.0) == 0.0
