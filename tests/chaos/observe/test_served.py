"""What servers counted in each phase: growth, over restarts and pods that come and go."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mesh.chaos.observe.counters import Sidecar, server, sidecar
from mesh.chaos.observe.readings import Asked, Reading
from mesh.chaos.observe.served import served
from mesh.chaos.observed import Served, Window
from tests.chaos.observe.said import metrics, statistics

PAYMENTS = Asked("payments-v1-a", "payments")
ORDERS = Asked("orders-v1-a", "orders")
WINDOW = Window(steady=10.0, injected=20.0, removed=30.0, ended=40.0, unix=1000.0)


def reading(at: float, servers: Mapping[Asked, str], sidecars: Mapping[Asked, Sidecar] | None = None) -> Reading:
    said = {asked: server(text) for asked, text in servers.items()}
    return Reading(at, 990.0 + at, said, sidecars or {}, {})


def test_each_phase_has_what_was_counted_in_it_alone() -> None:
    readings = [
        reading(at, {PAYMENTS: metrics(started=started, handled={"OK": started})})
        for at, started in ((9.8, 100), (20.1, 130), (30.0, 170), (40.2, 175))
    ]
    found = served(readings, WINDOW)
    assert {phase: of["payments"].started for phase, of in found.items()} == {"steady": 30, "fault": 40, "after": 5}
    assert found["fault"]["payments"].statuses == {"OK": 40}


def test_a_process_that_began_meanwhile_counts_from_zero() -> None:
    readings = [
        reading(20.0, {PAYMENTS: metrics(started=100)}),
        reading(25.0, {PAYMENTS: metrics(started=110)}),
        reading(28.0, {}),  # it was killed
        reading(30.0, {PAYMENTS: metrics(started=7, began=1017.0)}),
    ]
    assert served(readings, WINDOW)["fault"]["payments"].started == 17


@pytest.mark.parametrize(("began", "counted"), [(1015.0, 40), (500.0, 0)])
def test_a_process_seen_for_the_first_time_counts_only_if_it_is_new(began: float, counted: float) -> None:
    readings = [reading(20.0, {}), reading(30.0, {PAYMENTS: metrics(started=40, began=began)})]
    found = served(readings, WINDOW)["fault"]
    assert found.get("payments", Served(0, {})).started == counted


def test_a_sidecars_injected_answers_are_tries_that_failed() -> None:
    readings = [
        reading(
            at,
            {PAYMENTS: metrics(started=10 + at, handled={"OK": 10 + at})},
            {PAYMENTS: sidecar(statistics(aborted=aborted))},
        )
        for at, aborted in ((20.0, 5), (25.0, 9), (30.0, 3))  # it began anew before the last
    ]
    found = served(readings, WINDOW)["fault"]["payments"]
    assert (found.started, found.statuses) == (17, {"OK": 10, "UNAVAILABLE": 7})


def test_callers_say_what_they_asked_for_and_what_they_kept_off_the_wire() -> None:
    readings = [
        reading(at, {ORDERS: metrics(called=called, rejected=called / 2, full=1 if at > 20 else 0)})
        for at, called in ((20.0, 10), (30.0, 30))
    ]
    found = served(readings, WINDOW)["fault"]["payments"]
    assert (found.called, found.rejected, found.started) == (20, 11, 0)


def test_latency_is_the_bound_that_all_but_a_hundredth_kept() -> None:
    before, after = {"0.1": 100, "0.5": 100, "+Inf": 100}, {"0.1": 198, "0.5": 200, "+Inf": 200}
    readings = [
        reading(20.0, {PAYMENTS: metrics(took=before)}),
        reading(30.0, {PAYMENTS: metrics(started=1, took=after)}),
    ]
    assert served(readings, WINDOW)["fault"]["payments"].p99 == 0.5


def test_a_phase_without_length_is_left_out() -> None:
    readings = [reading(at, {PAYMENTS: metrics(started=at)}) for at in (10.0, 20.0, 40.0)]
    assert set(served(readings, Window(10.0, 20.0, 20.0, 40.0, 1000.0))) == {"steady", "after"}
