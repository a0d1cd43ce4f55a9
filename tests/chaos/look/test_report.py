from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest

from mesh.chaos.look.report import report
from mesh.chaos.look.timeline import timeline
from mesh.chaos.observed import Happened
from tests.chaos.look.ended import ended
from tests.chaos.story import counted, event, experiment, seen

XSS = "<script>alert(1)</script>"


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a checkout without the extra `plots`."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_it_needs_nothing_from_elsewhere() -> None:
    page = report(experiment(), ended(), timeline(seen()))
    assert "<svg" in page
    assert re.findall(r"<(?:script|link|img|iframe)", page) == []
    assert re.findall(r"(?:src|href)=\"(?!#)", page.replace("xlink:href", "href")) == []


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_everything_but_the_plots_is_there() -> None:
    story = seen(
        events=[event(7, Happened.BREAKER, "orders-1", state="open")], served={"fault": {"payments": counted(80)}}
    )
    page = report(experiment(), ended(), timeline(story))
    assert "<svg" not in page
    for said in (
        *("argosy[plots]", "<title>payments-slow: PASS</title>", "Are orders taken while payments is slow?"),
        *("orders.failed_share at most 0.5 (all)", "What servers counted", "orders-1", "state open"),
        *("charges take 2 s longer", "agree about 120 orders", "abc123"),
    ):
        assert said in page


@pytest.mark.usefixtures("no_matplotlib")
def test_a_run_that_ended_before_there_was_load_has_a_report_too() -> None:
    page = report(experiment(), replace(ended(), checks=(), figures={}), None)
    assert "There was no load" in page
    assert "What customers met" not in page


@pytest.mark.usefixtures("no_matplotlib")
def test_what_people_and_programs_said_stays_text() -> None:
    verdict = replace(ended(), reason=XSS, injected=XSS, environment={"revision": XSS}, audit={"problem": XSS})
    page = report(experiment(), verdict, timeline(seen(events=[event(7, Happened.POD, XSS, XSS, why=XSS)])))
    assert XSS not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6


@pytest.mark.usefixtures("no_matplotlib")
def test_a_control_says_that_it_has_to_fail() -> None:
    page = report(experiment(), replace(ended(), control=True), timeline(seen()))
    assert "breakers and bulkheads. It has to FAIL" in page
