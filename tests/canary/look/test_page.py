from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.judge.verdict import Outcome
from mesh.canary.look.page import page, share
from mesh.canary.look.watched import Watched
from tests.canary.look.story import BEGAN, Story, counts, evidence, promoted, rolled_back


def shown(entries: Sequence[Entry], now: float = BEGAN) -> str:
    run = Watched()
    for entry in entries:
        run.heard(entry)
    console = Console(file=io.StringIO(), width=160)
    console.print(page(run, now))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_page_of_a_run_can_be_shown() -> None:
    for story in (promoted(), rolled_back()):
        for length in range(1, len(story.entries) + 1):
            assert "canary of catalog  v1 -> v2" in shown(story.entries[:length])


def test_it_shows_weights_rates_errors_with_their_interval_and_latencies_of_both() -> None:
    story = Story().started().shifted(0, 5).measured(0, 5, counts(50), counts(450))
    story.judged(0, Outcome.NOT_ENOUGH, "500 requests of the canary, 1000 needed", evidence(requests=500, errors=5))
    lines = {line.split()[0]: line.split() for line in shown(story.entries, BEGAN + 83).splitlines() if line.strip()}
    assert "0:01:23" in lines["canary"]
    assert lines["v1"][1:6] == ["95", "%", "90.0", "2000", "0"]
    assert lines["v2"][1:] == ["5", "%", "10.0", "500", "5", "1.00%", "(0.00%", "to", "3.00%)", "2.6", "9.0"]
    assert lines["not"] == ["not", "enough", "evidence:", "500", "requests", "of", "the", "canary,", "1000", "needed"]


def test_evidence_of_one_weight_is_not_shown_at_the_next() -> None:
    story = Story().started().shifted(0, 5).measured(0, 5).judged(0, Outcome.BETTER_OR_EQUAL, "as good")
    assert "failing no more" in shown(story.entries)
    assert "failing no more" not in shown(story.shifted(1, 10).entries)


def test_it_says_who_has_to_do_what_when_a_gate_waits_or_the_run_is_paused() -> None:
    story = Story().started().shifted(0, 5).measured(0, 5).judged(0, Outcome.BETTER_OR_EQUAL, "as good")
    assert "argosy canary approve catalog" in shown(
        story.add(Kind.GATE, step=0, gate="manual", outcome="waiting", output="").entries
    )
    assert "paused at v1 95 %, v2 5 %: lunch" in shown(story.add(Kind.PAUSED, reason="lunch").entries)


@pytest.mark.parametrize(("value", "filled"), [(1e-9, 0.0), (1.0, 0.0), (10.0, 0.5), (100.0, 1.0), (1e300, 1.0)])
def test_a_meter_grows_with_the_logarithm_from_no_evidence_to_a_decision(value: float, filled: float) -> None:
    assert share(value, 100.0) == pytest.approx(filled)
