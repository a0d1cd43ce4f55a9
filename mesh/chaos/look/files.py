"""What is kept of a run? verdict.json, journal.json, timeline.json and report.html in its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mesh.chaos.experiment import Experiment
from mesh.chaos.look.journal import journal
from mesh.chaos.look.report import report
from mesh.chaos.look.timeline import Timeline, timeline
from mesh.chaos.observed import Observed
from mesh.chaos.verdict import Verdict
from mesh.local.state_folder import make_private

VERDICT = "verdict.json"
TIMELINE = "timeline.json"
REPORT = "report.html"


def write(folder: Path, experiment: Experiment, seen: Observed | None, verdict: Verdict) -> Path:
    """Write what there is to say of a run into its folder; the report's path."""
    make_private(folder)
    story = timeline(seen) if seen else None
    _write_json(folder / VERDICT, verdict.document())
    _write_json(folder / "journal.json", journal(experiment, verdict, story))
    if story:
        _write_json(folder / TIMELINE, story.document(), indent=None)
    page = folder / REPORT
    page.write_text(report(experiment, verdict, story), encoding="utf-8")
    return page


def timeline_of(folder: Path) -> Timeline | None:
    """The timeline of a run that is kept; None of one that ended before there was load. Raises BadVerdict."""
    file = folder / TIMELINE
    return Timeline.parse(file.read_bytes()) if file.exists() else None


def verdicts(chaos: Path) -> Iterator[tuple[Path, Verdict]]:
    """Every verdict below the folder of all runs, the oldest first, with its run's folder. Raises BadVerdict."""
    for file in sorted(chaos.glob(f"*/{VERDICT}")):
        yield file.parent, Verdict.parse(file.read_bytes())


def _write_json(path: Path, document: Mapping[str, Any], *, indent: int | None = 1) -> None:
    path.write_text(json.dumps(document, indent=indent) + "\n", encoding="utf-8")
