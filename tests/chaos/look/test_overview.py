from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest

from mesh.chaos.look.overview import Ended, overview
from mesh.chaos.look.timeline import timeline
from mesh.chaos.verdict import Outcome
from tests.chaos.look.ended import ended
from tests.chaos.story import experiment, seen

CONTROL = replace(ended(), control=True, protection="off", outcome=Outcome.FAIL, run="r2")


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a checkout without the extra `plots`."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.usefixtures("no_matplotlib")
def test_it_counts_verdicts_and_controls_apart() -> None:
    page = overview([experiment()], [Ended(ended(), timeline(seen())), Ended(CONTROL, None)])
    assert "1 PASS; of the controls 1 FAIL" in page
    assert "Are orders taken while payments is slow?" in page
    assert "payments-slow, off" in page
    assert "0 of 120" in page


@pytest.mark.usefixtures("no_matplotlib")
def test_of_several_runs_the_last_one_is_shown() -> None:
    later = replace(ended(), outcome=Outcome.INVALID, run="later")
    page = overview([experiment()], [Ended(ended(), None), Ended(later, None)])
    assert "1 INVALID" in page
    assert "PASS</span>" not in page


def test_each_run_has_its_plots_and_nothing_comes_from_elsewhere() -> None:
    page = overview([], [Ended(ended(), timeline(seen())), Ended(CONTROL, timeline(seen()))])
    assert page.count("<svg") == 2
    assert re.findall(r"(?:src|href)=\"(?!#)", page.replace("xlink:href", "href")) == []


def test_without_a_run_it_says_so() -> None:
    assert "no run is kept" in overview([experiment()], [])
