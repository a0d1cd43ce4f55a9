import pytest

from mesh.resilience import CircuitOpen
from mesh.resilience.breaker import CLOSED
from mesh.resilience.events import CircuitOpened
from mesh.resilience.verdicts import FAILED, HEALTHY
from tests.resilience.circuit import POLICY, Circuit


def test_open_rejects_with_the_facts() -> None:
    circuit = Circuit()
    circuit.open()
    circuit.time.pass_by(1.5)
    with pytest.raises(CircuitOpen) as rejected:
        circuit.admit()
    assert (rejected.value.peer, rejected.value.group, rejected.value.retry_in) == ("payments", "charge", 3.5)


def test_open_tells_when_it_surely_rejects() -> None:
    circuit = Circuit()
    assert not circuit.breaker.rejects_at(circuit.time())
    circuit.open()
    assert circuit.breaker.rejects_at(circuit.time() + 4.9)
    assert not circuit.breaker.rejects_at(circuit.time() + 5.0)


def test_rule_16_open_time_doubles_with_each_opening_up_to_the_limit() -> None:
    circuit = Circuit()
    circuit.open()
    waited = []
    for _ in range(6):
        opened = [event for event in circuit.events if isinstance(event, CircuitOpened)][-1]
        waited.append(opened.open_for)
        circuit.time.pass_by(opened.open_for - 0.01)
        assert circuit.rejects()
        circuit.time.pass_by(0.01)
        circuit.calls(FAILED)
    assert waited == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_an_outage_of_days_opens_it_as_often_as_it_takes() -> None:
    circuit = Circuit()
    circuit.open()
    for _ in range(2000):  # doubled so often, a number of seconds would not fit into a float
        circuit.time.pass_by(POLICY.open_limit)
        circuit.calls(FAILED)
    assert circuit.breaker.reopens_in(circuit.time()) == POLICY.open_limit


def test_open_time_starts_small_again_once_the_circuit_has_closed() -> None:
    circuit = Circuit()
    for _ in range(3):
        circuit.open()
        assert isinstance(circuit.events[-1], CircuitOpened)
        assert circuit.events[-1].open_for == 5.0
        circuit.time.pass_by(5.0)
        circuit.calls(*[HEALTHY] * POLICY.successes_to_close)
        assert circuit.state == CLOSED


def test_rule_16_open_time_is_jittered_so_that_clients_do_not_return_in_step() -> None:
    asked: list[tuple[float, float]] = []

    def spread(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    circuit = Circuit(spread=spread)
    circuit.open()
    assert asked == [(0.8, 1.2)]
    circuit.time.pass_by(5.9)
    assert circuit.rejects()
    circuit.time.pass_by(0.1)
    assert not circuit.rejects()
