"""Are our experiments experiments to the Chaos Toolkit, too, when it runs one?"""

from __future__ import annotations

import pytest
import yaml
from chaoslib.experiment import run_experiment

from mesh.chaos.experiment_file import EXPERIMENTS
from tests.end_to_end.conftest import argosy

FILE = EXPERIMENTS / "payments-slow.yaml"
ALWAYS = {"runtime": {"rollbacks": {"strategy": "always"}}}


@pytest.mark.usefixtures("cluster")
@pytest.mark.proof("another tool's run")
def test_the_toolkit_injects_proves_and_removes_by_our_functions() -> None:
    journal = run_experiment(yaml.safe_load(FILE.read_text(encoding="utf-8")), ALWAYS)
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    (injected,), (removed,) = journal["run"], journal["rollbacks"]
    assert (injected["status"], removed["status"]) == ("succeeded", "succeeded")
    assert "server-slow" in injected["output"]
    before, after = (journal["steady_states"][when]["probes"][0] for when in ("before", "after"))
    assert before["output"] >= 0.99
    assert after["output"] >= 0.99
    assert "nothing is left behind" in argosy("chaos", "clean", "--dry-run").err
