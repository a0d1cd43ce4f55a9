"""An operator decides instead of the breaker, until they give it back."""

import math
from collections.abc import Callable

import pytest

from mesh.resilience import CircuitOpen
from mesh.resilience.breaker import CLOSED, OPEN, Breaker
from mesh.resilience.events import CircuitForced, CircuitHalfOpened
from mesh.resilience.verdicts import FAILED, HEALTHY
from tests.resilience.circuit import POLICY, Circuit

ORDERS = [Breaker.force_open, Breaker.force_closed, Breaker.reset]


def test_forced_open_rejects_everything_for_ever() -> None:
    circuit = Circuit()
    circuit.breaker.force_open()
    for _ in range(3):
        circuit.time.pass_by(1e6)
        assert circuit.rejects()
    assert (circuit.state, circuit.breaker.forced) == (OPEN, "open")
    assert circuit.breaker.rejects_at(circuit.time() + 1e9)  # so no retry waits for it


def test_forced_open_says_who_holds_it() -> None:
    circuit = Circuit()
    circuit.breaker.force_open()
    with pytest.raises(CircuitOpen) as rejected:
        circuit.admit()
    assert rejected.value.retry_in == math.inf
    assert str(rejected.value) == "circuit to payments/charge is held open by an operator"


def test_forced_closed_admits_everything_and_learns_nothing() -> None:
    circuit = Circuit()
    circuit.open()
    circuit.breaker.force_closed()
    circuit.calls(*[FAILED] * 1000)
    assert (circuit.state, circuit.breaker.forced) == (CLOSED, "closed")
    assert circuit.breaker.counts(circuit.time()) == (0, 0, 0)


def test_reset_is_automatic_and_closed_with_an_empty_window() -> None:
    circuit = Circuit()
    circuit.calls(*[FAILED] * (POLICY.min_calls - 1))
    circuit.breaker.reset()
    circuit.calls(FAILED)
    assert (circuit.state, circuit.breaker.forced) == (CLOSED, None)
    circuit.calls(*[FAILED] * (POLICY.min_calls - 1))
    assert circuit.state == OPEN


@pytest.mark.parametrize("order", [Breaker.force_open, Breaker.force_closed])
def test_reset_gives_the_decision_back(order: Callable[[Breaker], None]) -> None:
    circuit = Circuit()
    order(circuit.breaker)
    circuit.breaker.reset()
    assert not circuit.rejects()
    circuit.open()
    circuit.time.pass_by(POLICY.open_for)
    circuit.calls(HEALTHY, HEALTHY, HEALTHY)
    assert circuit.state == CLOSED


def test_after_a_reset_the_open_time_starts_small_again() -> None:
    circuit = Circuit()
    circuit.settle(circuit.half_open(), FAILED)
    circuit.breaker.reset()
    circuit.open()
    assert circuit.breaker.reopens_in(circuit.time()) == POLICY.open_for


@pytest.mark.parametrize("order", ORDERS)
def test_what_began_before_an_order_says_nothing(order: Callable[[Breaker], None]) -> None:
    circuit = Circuit()
    trial = circuit.half_open()
    order(circuit.breaker)
    before = circuit.state
    circuit.settle(trial, FAILED)
    assert circuit.state == before
    assert circuit.breaker.counts(circuit.time()) == (0, 0, 0)


def test_a_reset_after_which_the_trial_comes_back_frees_no_slot_it_does_not_hold() -> None:
    circuit = Circuit()
    stale = circuit.half_open()
    circuit.breaker.reset()
    circuit.half_open()
    circuit.settle(stale, HEALTHY)
    assert circuit.rejects()


def test_orders_are_told() -> None:
    circuit = Circuit()
    circuit.half_open()
    told = len(circuit.events)
    for order in ORDERS:
        order(circuit.breaker)
    assert circuit.events[told:] == [
        CircuitForced("payments", "charge", "open"),
        CircuitForced("payments", "charge", "closed"),
        CircuitForced("payments", "charge", "automatic"),
    ]
    assert isinstance(circuit.events[told - 1], CircuitHalfOpened)


def test_the_time_to_the_next_trial_is_told_only_when_time_decides() -> None:
    circuit = Circuit()
    assert circuit.breaker.reopens_in(circuit.time()) == 0.0
    circuit.open()
    circuit.time.pass_by(2.0)
    assert circuit.breaker.reopens_in(circuit.time()) == 3.0
    circuit.time.pass_by(4.0)
    assert circuit.breaker.reopens_in(circuit.time()) == 0.0
    circuit.breaker.force_open()
    assert circuit.breaker.reopens_in(circuit.time()) == 0.0


@pytest.mark.parametrize("order", [Breaker.force_closed, Breaker.reset])
def test_from_its_first_second_it_rejects_nothing_any_more(order: Callable[[Breaker], None]) -> None:
    circuit = Circuit()
    circuit.open()
    order(circuit.breaker)
    assert not circuit.breaker.rejects_at(0.0)
