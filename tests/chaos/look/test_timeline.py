from __future__ import annotations

import json

import pytest

from loadtest.report import Report
from mesh.chaos.look.timeline import Timeline, timeline
from mesh.chaos.observed import Happened
from mesh.chaos.verdict import BadVerdict
from tests.chaos.story import BEGAN, calls, counted, event, failing, seen


def test_it_has_a_second_for_every_second_and_every_call_in_one() -> None:
    found = timeline(seen(calls(failing(5, 6), latency=lambda at: 0.1 + at // 10)))
    seconds = found.streams["orders"]
    assert [each.calls for each in seconds] == [8] * 20
    assert [each.failed for each in seconds] == [0] * 5 + [8] + [0] * 14
    assert [(each.p50, each.p99) for each in seconds[9:11]] == [(100.0, 100.0), (1100.0, 1100.0)]


def test_what_could_not_be_sent_is_due_and_has_failed() -> None:
    report = Report(8.0, calls(seconds=19).samples, dropped=(BEGAN + 19.5,))
    last = timeline(seen(report)).streams["orders"][19]
    assert (last.calls, last.failed, last.p99) == (1, 1, None)


def test_its_clock_begins_with_the_steady_state() -> None:
    found = timeline(seen(events=[event(6.5, Happened.BREAKER, "x", state="open")]))
    assert (found.injected, found.removed, found.ended) == (5, 15, 20)
    assert [(each.at, each.facts) for each in found.events] == [(6.5, {"state": "open"})]


def test_it_can_be_read_back() -> None:
    observed = seen(
        calls(failing(5, 6)), events=[event(6, Happened.POD, ready=False)], served={"fault": {"a": counted(3)}}
    )
    found = timeline(observed)
    assert Timeline.parse(json.dumps(found.document())) == found
    with pytest.raises(BadVerdict):
        Timeline.parse("[]")
