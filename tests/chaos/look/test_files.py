from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mesh.chaos.look.files import verdicts, write
from tests.chaos.look.ended import ended
from tests.chaos.story import experiment, seen


@pytest.fixture(autouse=True)
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take a second, and are tested elsewhere."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_a_run_leaves_verdict_journal_timeline_and_report(tmp_path: Path) -> None:
    page = write(tmp_path / "r1", experiment(), seen(), ended())
    assert page.read_text().startswith("<!doctype html>")
    names = sorted(path.name for path in (tmp_path / "r1").iterdir())
    assert names == ["journal.json", "report.html", "timeline.json", "verdict.json"]
    assert json.loads((tmp_path / "r1" / "verdict.json").read_text())["outcome"] == "PASS"


def test_a_run_without_load_leaves_no_timeline(tmp_path: Path) -> None:
    write(tmp_path / "r1", experiment(), None, ended())
    assert not (tmp_path / "r1" / "timeline.json").exists()


def test_verdicts_are_found_again_oldest_first(tmp_path: Path) -> None:
    for run in ("20261121-2", "20261121-1"):
        write(tmp_path / run, experiment(), None, ended())
    (tmp_path / "toolkit").mkdir()
    assert [folder.name for folder, _ in verdicts(tmp_path)] == ["20261121-1", "20261121-2"]
    assert [verdict for _, verdict in verdicts(tmp_path)] == [ended(), ended()]
