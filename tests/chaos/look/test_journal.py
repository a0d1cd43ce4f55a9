from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from chaoslib.experiment import ensure_experiment_is_valid

from mesh.chaos.look.journal import journal
from mesh.chaos.look.timeline import timeline
from mesh.chaos.observed import Happened
from mesh.chaos.verdict import Outcome
from tests.chaos.look.ended import ended
from tests.chaos.story import calls, event, experiment, failing, seen

STEPS = [event(5.5, Happened.INJECTED, "server-slow"), event(15, Happened.REMOVED, "server-slow")]


def test_it_has_what_readers_of_the_toolkits_journals_look_for() -> None:
    observed = seen(events=STEPS)
    written = json.loads(json.dumps(journal(experiment(), ended(observed), timeline(observed))))
    ensure_experiment_is_valid(written["experiment"])
    assert (written["status"], written["deviated"]) == ("completed", False)
    assert (datetime.fromisoformat(written["end"]) - datetime.fromisoformat(written["start"])).total_seconds() == 20
    (injected,), (removed,) = written["run"], written["rollbacks"]
    assert (injected["status"], injected["output"]) == ("succeeded", "p50 is 2.0 s")
    assert (removed["status"], removed["output"]) == ("succeeded", "p50 is 4 ms")
    (probe,) = written["steady_states"]["before"]["probes"]
    assert (probe["activity"]["name"], probe["output"], probe["tolerance_met"]) == ("orders-are-answered", 1.0, True)
    assert written["steady_states"]["after"]["steady_state_met"] is True


def test_a_hypothesis_that_did_not_hold_has_deviated() -> None:
    observed = seen(calls(failing(5, 15)), events=STEPS)
    written = journal(experiment(), ended(observed), timeline(observed))
    assert (written["status"], written["deviated"]) == ("completed", True)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.INVALID, "failed"), (Outcome.ABORTED, "aborted"), (Outcome.LEAKED, "failed")],
)
def test_what_proves_nothing_is_not_called_completed(outcome: Outcome, status: str) -> None:
    written = journal(experiment(), replace(ended(), outcome=outcome), timeline(seen()))
    assert (written["status"], written["deviated"]) == (status, False)


def test_what_was_never_injected_has_failed() -> None:
    written = journal(experiment(), ended(), None)
    assert [step["status"] for step in (*written["run"], *written["rollbacks"])] == ["failed", "failed"]
