"""Events: every change of a circuit, an ejection, a pod or a route is told once, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mesh.chaos.observe.changes import Standing, of_circuits, of_ejections, of_pod, of_route, weights
from mesh.chaos.observe.counters import server, sidecar
from mesh.chaos.observe.readings import Asked, Reading
from mesh.chaos.observed import Happened
from tests.chaos.observe.said import metrics, statistics

ORDERS = Asked("orders-v1-a", "orders")
PAYMENTS = "outbound|50051|every|payments.shop.svc.cluster.local"


def circuits(before: Mapping[str, float], after: Mapping[str, float], *, began: float = 100.0) -> list[str]:
    known = {ORDERS: server(metrics(circuit=before))}
    later = Reading(5.0, 1005.0, {ORDERS: server(metrics(circuit=after, began=began))}, {}, {})
    events = list(of_circuits(known, later, unix=1000.0))
    assert {(event.kind, event.at, event.subject) for event in events} <= {
        (Happened.BREAKER, 5.0, "orders-v1-a orders/payments/charge")
    }
    return [event.facts["state"] for event in events]


def test_a_circuit_that_opened_is_told() -> None:
    assert circuits({"open": 1}, {"open": 2}) == ["open"]


def test_a_circuit_that_only_stays_as_it_was_is_not() -> None:
    assert circuits({"open": 2, "half-open": 1}, {"open": 2, "half-open": 1}) == []


def test_several_states_between_two_looks_are_told_in_their_order() -> None:
    assert circuits({"open": 1}, {"open": 1, "closed": 1, "half-open": 1}) == ["half-open", "closed"]


def test_a_process_that_is_new_has_told_nothing_yet() -> None:
    assert circuits({"open": 3}, {"open": 1}, began=1003.0) == ["open"]


def test_hosts_that_are_ejected_and_come_back_are_told() -> None:
    def change(before: float, after: float) -> list[Any]:
        known = {ORDERS: sidecar(statistics(ejected={PAYMENTS: before}))}
        later = Reading(5.0, 1005.0, {}, {ORDERS: sidecar(statistics(ejected={PAYMENTS: after}))}, {})
        return [(event.subject, event.facts["ejected"]) for event in of_ejections(known, later)]

    assert change(0, 1) == [(f"orders-v1-a {PAYMENTS}", 1)]
    assert change(1, 0) == [(f"orders-v1-a {PAYMENTS}", 0)]
    assert change(1, 1) == []


def test_a_pods_story_is_told_once_for_each_change() -> None:
    well, sick = Standing(ready=True, restarts=0, staying=True), Standing(ready=False, restarts=1, staying=True)
    story = [(None, well), (well, well), (well, sick), (sick, well), (well, None)]
    told = [list(of_pod(1.0, "catalog-v1-a", before, now)) for before, now in story]
    assert [[event.detail for event in events] for events in told] == [
        ["created"],
        [],
        ["not Ready"],
        ["Ready"],
        ["gone"],
    ]
    assert told[2][0].facts == {"ready": False, "restarts": 1}


def route(first: int, second: int) -> dict[str, Any]:
    destinations = [("v1", first), ("v2", second)]
    primary = [{"destination": {"host": "payments", "subset": name}, "weight": weight} for name, weight in destinations]
    return {"http": [{"name": "reads", "route": primary[:1]}, {"name": "primary", "route": primary}]}


def test_a_canarys_step_is_a_change_of_the_primary_rules_weights() -> None:
    before, after = weights(route(100, 0)), weights(route(90, 10))
    (event,) = of_route(2.0, "payments", before, after)
    assert (event.kind, event.detail, event.facts) == (
        Happened.CANARY,
        "v1 90 %, v2 10 %",
        {"weights": {"v1": 90, "v2": 10}},
    )
    assert list(of_route(2.0, "payments", before, before)) == []
    assert list(of_route(2.0, "payments", None, before)) == []  # seen for the first time
