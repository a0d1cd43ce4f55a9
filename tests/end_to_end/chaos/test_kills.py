"""Processes of the running shop are killed at random, under load: no order is lost, and the books agree."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.conftest import argosy

KILLS = 6  # `make chaos` kills five hundred


def test_nobody_is_charged_twice_whatever_dies(tmp_path: Path) -> None:
    told = tmp_path / "kills.json"
    done = argosy("chaos", "kills", f"--times={KILLS}", "--seed=8", f"--json={told}")
    assert done.code == 0, done.out + done.err
    whole = json.loads(told.read_text(encoding="utf-8"))
    assert (whole["outcome"], len(whole["kills"])) == ("PASS", KILLS)
    assert whole["customers"]["confirmed"] >= 1
    assert whole["customers"]["unanswered"] == 0
    assert whole["environment"]["seed"] == 8
