from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loadtest.report import Report
from mesh.chaos.look.plots import changes, drawn
from mesh.chaos.look.timeline import timeline
from mesh.chaos.observed import Event, Happened
from tests.chaos.story import calls, event, failing, seen


def test_the_plots_show_load_errors_latency_and_who_noticed() -> None:
    breaker = event(7, Happened.BREAKER, "orders-1 orders/payments/charge", state="open")
    svg = drawn(timeline(seen(calls(failing(6, 8)), events=[breaker])))
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314  # our own
    for label in ("calls / s", "failed, %", "latency, ms", "orders p99", "breaker orders-1 orders/payments/charge"):
        assert label in svg


def test_a_run_without_calls_or_events_can_be_drawn_too_and_looks_the_same_each_time() -> None:
    story = timeline(seen(Report(8.0, ())))
    svg = drawn(story)
    assert "no breaker, host or pod changed" in svg
    assert svg == drawn(story)


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        (Happened.BREAKER, {"state": "open"}, {"state": "closed"}),
        (Happened.BREAKER, {"state": "half-open"}, {"state": "closed"}),
        (Happened.EJECTION, {"ejected": 1}, {"ejected": 0}),
        (Happened.POD, {"ready": False}, {"ready": True}),
        (Happened.CANARY, {"weights": {"v1": 90, "v2": 10}}, {"weights": {"v1": 100, "v2": 0}}),
    ],
)
def test_what_is_not_as_ever_is_shown_from_when_until_when(
    kind: Happened, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    events = [event(6, kind, "x", **wrong), event(9, kind, "x", **right)]
    ((start, end, _),) = changes(timeline(seen(events=events)))[f"{kind} x"]
    assert (start, end) == (6, 9)


def test_what_does_not_end_is_shown_until_the_run_does() -> None:
    ((start, end, _),) = changes(timeline(seen(events=[event(6, Happened.POD, "x", gone=True)])))["pod x"]
    assert (start, end) == (6, 20)


def test_what_was_never_wrong_has_no_row() -> None:
    fine: Event = event(6, Happened.POD, "x", ready=True)
    assert changes(timeline(seen(events=[fine]))) == {}
