from __future__ import annotations

import re
import sys
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from mesh.canary.journal.entry import Entry, Kind, verified
from mesh.canary.look.plots import drawn
from mesh.canary.look.report import report, statuses, steps
from tests.canary.look.story import Story, promoted, rolled_back

XSS = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page() -> str:
    """The report of a canary that was promoted."""
    return report(promoted().entries)


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a checkout without the extra `plots`."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_it_needs_nothing_from_elsewhere(page: str) -> None:
    assert re.findall(r"<(?:script|link|img|iframe)", page) == []
    assert re.findall(r"(?:src|href)=\"(?!#)", page.replace("xlink:href", "href")) == []


@pytest.mark.usefixtures("no_matplotlib")
def test_it_names_outcome_reason_alpha_beta_and_what_they_assume() -> None:
    page = report(rolled_back().entries)
    assert "<title>Canary of catalog: rolled-back</title>" in page
    for said in ("20 errors of 50", "alpha = 0.01", "beta = 0.01", "independently", "the same age", "argosy:2"):
        assert said in page


def test_it_brings_the_journal_whose_chain_anybody_can_check(page: str) -> None:
    written = re.search(r"<pre>(\{.*\})</pre>", page, re.DOTALL)
    assert written
    lines = unescape(written[1]).splitlines()
    assert verified(map(Entry.parse, lines)) == tuple(promoted().entries)


@pytest.mark.usefixtures("no_matplotlib")
def test_what_people_and_programs_said_stays_text() -> None:
    story = Story().started(command=XSS).add(Kind.GATE, step=0, gate="cmd:x", outcome="failed", output=XSS)
    page = report(story.add(Kind.PAUSED, by=XSS, reason=XSS).entries)
    assert XSS not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_a_step_is_told_once_with_what_was_found_last() -> None:
    first, second = steps(promoted().entries)
    assert (first.number, first.weight, first.share, first.outcome) == (1, 5, 5.0, "better-or-equal")
    assert (second.number, second.weight, second.found and second.found.canary.requests) == (2, 10, 500)


def test_a_step_that_was_never_judged_says_so() -> None:
    (step,) = steps(Story().started().shifted(0, 5).add(Kind.PAUSED, reason="lunch").entries)
    assert (step.outcome, step.found) == ("not judged", None)


def test_the_answers_of_both_versions_are_counted_by_status() -> None:
    assert statuses(rolled_back().entries) == [("OK", 450, 30), ("UNAVAILABLE", 0, 20)]


def test_the_plots_show_traffic_errors_latency_and_evidence(page: str) -> None:
    for label in (
        "traffic, %",
        "errors, % of a block",
        "latency, ms",
        "evidence (1 decides)",
        "failing more, by request",
    ):
        assert label in page


def test_a_run_that_has_just_begun_can_be_drawn_too_and_looks_the_same_each_time() -> None:
    svg = drawn(Story().started().entries)
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314  # our own
    assert svg == drawn(Story().started().entries)


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_everything_but_the_plots_is_there() -> None:
    page = report(promoted().entries)
    assert "<svg" not in page
    assert "argosy[plots]" in page
    assert "better-or-equal" in page
