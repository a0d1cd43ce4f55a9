"""What has come out of several runs, and which exit code says so?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mesh.chaos.problems import INVALID
from mesh.chaos.verdict import Outcome, Verdict

_GRAVITY = (Outcome.PASS, Outcome.FAIL, Outcome.INVALID, Outcome.ABORTED, Outcome.LEAKED)


@dataclass
class Results:
    """What has come out so far."""

    verdicts: list[Verdict] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """Why a run was not done, by its name."""
    repeated: list[Verdict] = field(default_factory=list)
    """Those that were INVALID, and were done once more."""

    def write_json(self, path: Path) -> None:
        """Everything, in one file."""
        document = {
            "verdicts": [one.document() for one in self.verdicts],
            "skipped": self.skipped,
            "repeated": [one.document() for one in self.repeated],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """The worst of them; nothing that was run proves nothing."""
    outcomes = [counted(one) for one in verdicts]
    return max(outcomes, key=_GRAVITY.index).exit_code if outcomes else INVALID


def counted(verdict: Verdict) -> Outcome:
    """What a verdict counts for: a run without all protection has to FAIL, and what FAILs there is as it should be."""
    if not verdict.control or verdict.outcome not in {Outcome.PASS, Outcome.FAIL}:
        return verdict.outcome
    return Outcome.PASS if verdict.outcome is Outcome.FAIL else Outcome.INVALID
