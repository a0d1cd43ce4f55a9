from __future__ import annotations

import re

import pytest

from loadtest.report import Report
from mesh.chaos.experiment import METRIC, Phase
from mesh.chaos.metrics import measured, share_interval
from mesh.chaos.observed import Happened, Served, Window
from tests.chaos.story import BEGAN, DEGRADED, OK, WINDOW, calls, counted, event, failing, seen

FAILING = calls(failing(5, 10), latency=lambda at: 0.1 if at >= 5 else 0.01)
SERVED = {
    "steady": {"payments": counted(40)},
    "fault": {"payments": counted(160, failed=40, late=20, p99=2.0, rejected=7)},
    "after": {"payments": counted(40)},
}
NAMES = [
    *(f"orders.{what}" for what in ("calls", "answered_share", "failed", "failed_share", "degraded_share")),
    *("orders.p50_ms", "orders.p99_ms", "orders.p99_ratio"),
    *(f"served.payments.{what}" for what in ("tries", "errors", "error_share", "late_share", "rejected")),
    *("served.payments.p99_ms", "served.payments.p99_ratio"),
    *("recovery_seconds", "detect_seconds", "eject_seconds", "amplification"),
]


@pytest.mark.parametrize(
    ("metric", "phase", "value", "samples"),
    [
        ("orders.calls", Phase.STEADY, 40, 40),
        ("orders.calls", Phase.ALL, 120, 120),
        ("orders.failed", Phase.ALL, 40, 120),
        ("orders.failed_share", Phase.FAULT, 0.5, 80),
        ("orders.answered_share", Phase.FAULT, 0.5, 80),
        ("orders.failed_share", Phase.AFTER, 0.0, 40),
        ("orders.degraded_share", Phase.FAULT, 0.0, 80),
        ("orders.p99_ms", Phase.FAULT, 100, 80),
        ("orders.p99_ratio", Phase.FAULT, 10, 40),
        ("served.payments.tries", Phase.ALL, 200, 200),
        ("served.payments.errors", Phase.FAULT, 40, 160),
        ("served.payments.error_share", Phase.FAULT, 0.25, 160),
        ("served.payments.late_share", Phase.FAULT, 0.125, 160),
        ("served.payments.rejected", Phase.FAULT, 7, 160),
        ("served.payments.p99_ratio", Phase.ALL, 200, 40),
        ("amplification", Phase.FAULT, 2.0, 80),
        ("amplification", Phase.STEADY, 1.0, 40),
    ],
)
def test_a_metric_is_what_its_name_says(metric: str, phase: Phase, value: float, samples: int) -> None:
    found = measured(metric, phase, seen(FAILING, served=SERVED), ["payments"])
    assert found.value == pytest.approx(value)
    assert found.samples == samples


@pytest.mark.parametrize("metric", NAMES)
def test_every_metric_that_a_file_may_name_can_be_measured(metric: str) -> None:
    assert re.fullmatch(METRIC, metric)
    assert measured(metric, Phase.ALL, seen(served=SERVED), ["payments"]).samples > 0


def test_the_names_that_are_tested_are_all_there_are() -> None:
    written = METRIC.replace("(orders|browsing|pages)", "orders").replace("[a-z]+", "payments")
    spelled = {
        alternative if "(" not in group else group.split("(")[0].replace("\\.", ".") + alternative
        for group in re.findall(r"[a-z_\\.]+\([a-z0-9_|]+\)|[a-z_]+", written)
        for alternative in group[group.find("(") + 1 :].rstrip(")").split("|")
    }
    assert spelled == set(NAMES)


@pytest.mark.parametrize("metric", NAMES)
def test_nothing_is_measured_from_nothing(metric: str) -> None:
    nothing = seen(Report(8.0, ()))
    found = measured(metric, Phase.FAULT, nothing, ["payments"])
    assert found.samples == 0
    assert not found.value


def test_a_call_that_could_not_be_sent_has_failed() -> None:
    report = Report(8.0, calls(seconds=19).samples, dropped=(BEGAN + 6, BEGAN + 7))
    assert measured("orders.failed", Phase.FAULT, seen(report)).value == 2
    assert measured("orders.calls", Phase.FAULT, seen(report)).value == 82


def test_a_call_that_was_under_way_when_it_happened_met_the_fault() -> None:
    report = calls(failing(4.5, 5), latency=lambda at: 1.0 if at >= 4.5 else 0.01)
    assert measured("orders.failed", Phase.ALL, seen(report)).value == 4
    assert measured("orders.failed", Phase.FAULT, seen(report)).value == 4
    assert measured("orders.failed", Phase.STEADY, seen(report)).value == 0
    assert measured("orders.calls", Phase.STEADY, seen(report)).value == 36


def test_an_answer_without_a_part_is_degraded_and_has_not_failed() -> None:
    report = calls(lambda at: DEGRADED if 5 <= at < 10 else OK)
    assert measured("orders.degraded_share", Phase.FAULT, seen(report)).value == 0.5
    assert measured("orders.failed", Phase.FAULT, seen(report)).value == 0


def test_a_shop_that_answers_nobody_has_no_degraded_answers_and_that_is_measured() -> None:
    found = measured("orders.degraded_share", Phase.FAULT, seen(calls(failing(5, 15))))
    assert (found.value, found.samples) == (0.0, 80)


def test_recovery_counts_from_the_removal_to_the_last_failed_call() -> None:
    assert measured("recovery_seconds", Phase.ALL, seen(calls(failing(5, 16)))).value == pytest.approx(0.875)
    assert measured("recovery_seconds", Phase.ALL, seen(calls(failing(5, 15)))).value == 0.0


def test_of_what_just_happens_recovery_counts_from_then() -> None:
    killed = Window(WINDOW.steady, WINDOW.injected, WINDOW.injected, WINDOW.ended, WINDOW.unix)
    assert measured("recovery_seconds", Phase.ALL, seen(calls(failing(5, 7)), window=killed)).value == 1.875


def test_a_shop_that_fails_until_the_load_ends_has_not_recovered() -> None:
    found = measured("recovery_seconds", Phase.ALL, seen(calls(failing(5, 19))))
    assert (found.value, found.samples > 0) == (None, True)


def test_what_was_noticed_before_the_injection_is_not_a_detection() -> None:
    events = [event(4, Happened.BREAKER, state="open"), event(6, Happened.BREAKER, state="half-open")]
    found = measured("detect_seconds", Phase.ALL, seen(events=events))
    assert (found.value, found.samples > 0) == (None, True)


@pytest.mark.parametrize(
    ("noticed", "detected", "ejected"),
    [
        (event(6.5, Happened.BREAKER, state="open"), 1.5, None),
        (event(6.5, Happened.EJECTION, ejected=1), 1.5, 1.5),
        (event(6.5, Happened.POD, ready=False), 1.5, None),
        (event(6.5, Happened.POD, gone=True), 1.5, None),
        (event(6.5, Happened.POD, ready=True), None, None),
        (event(6.5, Happened.EJECTION, ejected=0), None, None),
        (event(6.5, Happened.CANARY), None, None),
    ],
)
def test_a_breaker_an_ejection_or_a_pod_notices(noticed: object, detected: float | None, ejected: float | None) -> None:
    observed = seen(events=[noticed])  # type: ignore[list-item]
    assert measured("detect_seconds", Phase.ALL, observed).value == detected
    assert measured("eject_seconds", Phase.ALL, observed).value == ejected


def test_a_refusal_that_was_deserved_is_no_error_of_a_server() -> None:
    refusing = Served(10, {"FAILED_PRECONDITION": 4, "NOT_FOUND": 2, "UNAVAILABLE": 1, "injected": 1}, 0, 0.01)
    assert measured("served.payments.errors", Phase.FAULT, seen(served={"fault": {"payments": refusing}})).value == 2


def test_the_interval_of_a_share_is_honest_about_few_calls() -> None:
    assert share_interval(0, 80)[0] == 0.0
    assert share_interval(0, 80)[1] == pytest.approx(0.0458, abs=1e-4)
    assert share_interval(80, 80)[1] == 1.0
    low, high = share_interval(4, 80)
    assert low < 0.05 < high
