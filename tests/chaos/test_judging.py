from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loadtest.report import Report
from mesh.chaos.experiment import Phase
from mesh.chaos.faults.fault import Proof
from mesh.chaos.judging import Evidence, judge, steady_state
from mesh.chaos.observed import Happened, Observed
from mesh.chaos.verdict import BadVerdict, Outcome, Verdict
from tests.chaos.story import BEGAN, FILE, calls, counted, event, experiment, failing, seen

CLEAN = {"verdict": "clean", "orders": {"total": 120}, "discrepancies": []}
WRONG = {
    "verdict": "discrepancies",
    "orders": {"total": 120},
    "discrepancies": [{"name": "charged-twice", "detail": "order 7 was paid twice", "ids": [["order", "7"]]}],
}
THERE, GONE, UNKNOWN = Proof(True, "p50 is 2.0 s"), Proof(False, "p50 is 4 ms"), Proof(None, "no pod answers")
WELL = calls(seconds=5)


def evidence(observed: Observed | None = None, **others: Any) -> Evidence:
    """Of a run in which all went as it should, but for what the test says."""
    steady = steady_state(experiment(), lambda *_: WELL)
    fields = {"steady": steady, "injected": (THERE,), "removed": (GONE,), "audit": CLEAN}
    return Evidence(**{**fields, "observed": observed or seen(), **others})


def verdict(observed: Observed | None = None, **others: Any) -> Verdict:
    return judge(experiment(), evidence(observed, **others), run="r1")


def test_a_fault_that_was_proved_and_withstood_passes() -> None:
    found = verdict(seen(calls(failing(6, 8))))
    assert (found.outcome, found.outcome.exit_code) == (Outcome.PASS, 0)
    assert [check.holds for check in found.checks] == [True, True, True]
    assert (found.injected, found.removed) == ("p50 is 2.0 s", "p50 is 4 ms")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (calls(failing(5, 15)), "orders.failed_share at most 0.5 (all) is 0.6667"),
        (calls(latency=lambda at: 0.6 if 5 <= at < 15 else 0.01), "orders.p99_ms at most 500 (fault) is 600"),
        (calls(failing(14, 18.5)), "recovery_seconds at most 3 (all) is never"),
    ],
)
def test_a_limit_that_is_missed_fails_and_says_which(report: Report, said: str) -> None:
    found = verdict(seen(report))
    assert (found.outcome, found.outcome.exit_code) == (Outcome.FAIL, 1)
    assert said in found.reason


def test_books_that_do_not_agree_fail_however_good_the_numbers_are() -> None:
    found = verdict(audit=WRONG)
    assert found.outcome is Outcome.FAIL
    assert "order 7 was paid twice" in found.reason


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"injected": (GONE,)}, "nothing proves that it was injected: p50 is 4 ms"),
        ({"injected": (UNKNOWN,)}, "nothing proves that it was injected: no pod answers"),
        ({"injected": ()}, "nobody has looked whether it was injected"),
        ({"removed": (UNKNOWN,)}, "nothing proves that it was removed: no pod answers"),
        ({"steady": ()}, "nobody has looked whether the shop was well before"),
        ({"audit": {}}, "nobody has read the books: there is no audit"),
        ({"audit": {"verdict": "unreadable", "problem": "orders is away"}}, "orders is away"),
        ({"problem": "EnvoyFilter refused"}, "EnvoyFilter refused"),
    ],
)
def test_rule_35_what_is_not_proved_is_invalid_however_good_the_numbers_are(missing: dict[str, Any], said: str) -> None:
    found = verdict(**missing)
    assert (found.outcome, found.outcome.exit_code) == (Outcome.INVALID, 3)
    assert said in found.reason


def test_a_shop_that_was_not_well_before_proves_nothing() -> None:
    steady = steady_state(experiment(), lambda *_: calls(failing(0, 1), seconds=5))
    found = verdict(steady=steady, problem="there was no steady state to disturb")
    assert found.outcome is Outcome.INVALID
    assert (
        found.reason
        == "the shop was not well before: orders.answered_share at least 0.99 and at most 1 (steady) is 0.8"
    )


def test_the_steady_state_asks_for_the_stream_and_the_seconds_of_the_file() -> None:
    asked: list[tuple[str, float]] = []

    def recent(stream: str, seconds: float) -> Report:
        asked.append((stream, seconds))
        return WELL

    (checked,) = steady_state(experiment(), recent)
    assert asked == [("orders", 3.0)]
    assert (checked.holds, checked.value, checked.samples) == (True, 1.0, 40)


def test_silence_is_no_steady_state() -> None:
    (checked,) = steady_state(experiment(), lambda *_: Report(8.0, ()))
    assert (checked.holds, checked.value) == (False, None)


@pytest.mark.parametrize(
    "report",
    [
        Report(8.0, ()),
        calls(late=0.2),
        replace(calls(seconds=19), dropped=(BEGAN + 19.5,)),
        calls(seconds=5.5),
    ],
    ids=["no calls", "sent late", "not sent", "too few under the fault"],
)
def test_too_little_load_proves_nothing(report: Report) -> None:
    assert verdict(seen(report)).outcome is Outcome.INVALID


def test_one_late_call_of_a_small_stream_is_not_a_late_generator() -> None:
    pages = calls(rate=2)
    first, *others = pages.samples
    late = replace(first, started=first.started + 0.5)
    both = replace(seen(), streams={"orders": calls(), "pages": replace(pages, samples=(late, *others))})
    assert verdict(both).outcome is Outcome.PASS
    assert (
        verdict(replace(both, streams={"orders": calls(), "pages": calls(rate=2, late=0.2)})).outcome is Outcome.INVALID
    )


def test_a_run_without_load_proves_nothing() -> None:
    found = judge(experiment(), replace(evidence(), observed=None), run="r1")
    assert (found.outcome, found.reason, found.checks) == (Outcome.INVALID, "there was no load", ())


def test_a_run_that_was_ended_early_is_aborted_whatever_it_has_seen() -> None:
    found = verdict(seen(calls(failing(5, 15))), aborted="Ctrl-C", problem="cut short")
    assert (found.outcome, found.reason, found.outcome.exit_code) == (Outcome.ABORTED, "Ctrl-C", 4)


@pytest.mark.parametrize(
    ("left", "said"),
    [({"leftovers": ("EnvoyFilter x",)}, "not undone: EnvoyFilter x"), ({"removed": (THERE,)}, "it is still there")],
)
def test_what_is_left_behind_is_graver_than_anything(left: dict[str, Any], said: str) -> None:
    found = verdict(audit=WRONG, aborted="Ctrl-C", **left)
    assert (found.outcome, found.outcome.exit_code) == (Outcome.LEAKED, 5)
    assert said in found.reason


def test_a_shop_that_is_not_well_again_fails_though_nobody_wrote_that_it_has_to_be() -> None:
    silent = experiment(FILE.replace("  - {metric: recovery_seconds, at_most: 3}\n", ""))
    found = judge(silent, evidence(seen(calls(failing(16, 20)))), run="r1")
    assert found.outcome is Outcome.FAIL
    assert found.reason == "recovery_seconds at most 20 (all) is never"


def test_never_to_be_noticed_misses_any_bound_on_when() -> None:
    noticing = experiment(FILE.replace("recovery_seconds, at_most: 3", "detect_seconds, at_most: 3"))
    assert judge(noticing, evidence(), run="r1").outcome is Outcome.FAIL
    noticed = seen(events=[event(6, Happened.BREAKER, state="open")])
    assert judge(noticing, evidence(noticed), run="r1").outcome is Outcome.PASS


def test_a_verdict_says_what_happened_besides() -> None:
    served = {
        "steady": {"payments": counted(40), "orders": counted(40), "catalog": counted(80)},
        "fault": {
            "payments": counted(120, p99=2.0),
            "orders": counted(80, failed=20, p99=0.2),
            "catalog": counted(160, p99=0.025),
        },
        "after": {"payments": counted(40), "orders": counted(40), "catalog": counted(80)},
    }
    breaker = event(7, Happened.BREAKER, "orders-1 orders/payments/charge", state="open")
    found = verdict(seen(calls(failing(6, 16)), events=[breaker], served=served))
    assert (found.detected, found.recovered) == (2.0, 0.875)
    assert found.amplification == pytest.approx(1.5)
    assert found.breakers == ("2.0 s orders-1 orders/payments/charge: open",)
    assert found.blast_radius == (
        "orders: 0.0% of tries failed before, then 25.0%",
        "orders: p99 was 10 ms, then 200 ms",
    )
    assert found.figures["orders"][Phase.FAULT].failed == 72


def test_the_budget_is_that_of_a_month_of_these_orders() -> None:
    a_month = 8 * 30 * 86_400
    found = verdict(seen(calls(failing(6, 7))), availability=0.99)
    assert found.budget_used == pytest.approx(8 / (0.01 * a_month))


def test_a_verdict_can_be_read_back() -> None:
    found = verdict(seen(calls(failing(16, 20))), environment={"cores": 2})
    assert Verdict.parse(json.dumps(found.document())) == found
    with pytest.raises(BadVerdict):
        Verdict.parse("{}")
