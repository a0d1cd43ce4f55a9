import logging
from typing import Any

import pytest

from mesh.resilience.breaker import CLOSED, NoBreaker
from mesh.resilience.events import CircuitClosed, CircuitCreated, CircuitHalfOpened, CircuitOpened, Event
from mesh.resilience.verdicts import FAILED, HEALTHY
from tests.resilience.circuit import Circuit


def test_every_transition_is_told_once() -> None:
    circuit = Circuit()
    circuit.settle(circuit.half_open(), HEALTHY)
    circuit.calls(HEALTHY, HEALTHY)
    assert circuit.events == [
        CircuitCreated("payments", "charge"),
        CircuitOpened("payments", "charge", failures=20, calls=20, open_for=5.0),
        CircuitHalfOpened("payments", "charge"),
        CircuitClosed("payments", "charge"),
    ]


def test_rule_16_listener_that_raises_changes_no_state_and_silences_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError(event)

    circuit = Circuit(listeners=(broken,))
    with caplog.at_level(logging.ERROR):
        circuit.open()
        circuit.time.pass_by(5.0)
        circuit.calls(*[HEALTHY] * 3)
    assert circuit.state == CLOSED
    assert len(circuit.events) == 4
    lines: list[Any] = caplog.records
    assert {(line.message, line.name) for line in lines} == {("listener failed", "mesh.resilience.events")}
    assert [line.event for line in lines] == [type(event).__name__ for event in circuit.events]


def test_no_breaker_admits_everything_and_learns_nothing() -> None:
    none = NoBreaker()
    for _ in range(100):
        none.settle(none.admit(0.0), FAILED, 0.0)
    assert not none.rejects_at(0.0)
