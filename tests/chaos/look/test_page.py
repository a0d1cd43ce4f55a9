from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console, RenderableType

from mesh.chaos.look.page import compare_table, list_table, progress_line, summary_table, verdict_table
from mesh.chaos.observed import Happened
from mesh.chaos.verdict import Outcome
from tests.chaos.look.ended import ended
from tests.chaos.story import BEGAN, calls, event, experiment, failing, seen


def shown(what: RenderableType) -> str:
    text = io.StringIO()
    Console(file=text, width=240).print(what)
    return text.getvalue()


def test_a_verdict_shows_outcome_reason_hypothesis_and_figures() -> None:
    page = shown(verdict_table(ended(seen(calls(failing(5, 15))))))
    for said in (
        "FAIL  payments-slow",
        "66.67%",
        "57.83% to 74.47%",
        "does not hold",
        "p50 is 2.0 s",
        "agree about 120",
    ):
        assert said in page


def test_what_is_not_known_is_not_shown() -> None:
    bare = replace(ended(), checks=(), steady=(), figures={}, injected="", recovered=None, audit={})
    page = shown(verdict_table(bare))
    assert "injected" not in page
    assert "recovered" not in page
    assert "not read" in page


def test_a_recovery_that_was_not_seen_says_so() -> None:
    assert "not seen" in shown(verdict_table(ended(seen(calls(failing(16, 20))))))


def test_a_control_says_that_it_has_to_fail() -> None:
    assert "has to FAIL" in shown(verdict_table(replace(ended(), control=True, protection="off")))


def test_protections_stand_side_by_side() -> None:
    off = replace(ended(seen(calls(failing(5, 15)))), protection="off")
    lines = shown(compare_table([("both", ended()), ("off", off)])).splitlines()
    (verdicts,) = [line for line in lines if "verdict" in line]
    (share,) = [line for line in lines if "orders.failed_share" in line]
    assert verdicts.index("FAIL") < verdicts.index("PASS")
    assert share.index("66.67%") < share.index("0.00%")


def test_a_run_without_numbers_has_its_place_in_a_comparison() -> None:
    invalid = replace(ended(), outcome=Outcome.INVALID, checks=(), figures={})
    page = shown(compare_table([("off", invalid), ("both", ended())]))
    assert "INVALID" in page
    assert "orders.failed_share" in page


def test_a_summary_names_what_was_skipped_and_why() -> None:
    page = shown(summary_table([ended()], {"network-lossy": "this kernel has no netem"}))
    assert "payments-slow" in page
    assert "SKIPPED" in page
    assert "this kernel has no netem" in page


def test_a_list_shows_question_protection_and_last_verdict() -> None:
    page = shown(
        list_table([experiment(), experiment(name="other")], {"payments-slow": ended()}, {"other": "no signals"})
    )
    for said in ("Are orders taken while payments is slow?", "breakers and bulkheads", "PASS", "skipped: no signals"):
        assert said in page


def test_a_line_of_progress_says_when_what_happened_to_whom() -> None:
    line = progress_line(event(7.5, Happened.BREAKER, "orders-1", state="open"), BEGAN)
    assert line.plain == "   7.5 s  breaker   orders-1 state open"
