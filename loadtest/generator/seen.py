"""What has one process of a run seen, or all of them together? Numbers that add up, and travel as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtest.outcome import Outcome
from loadtest.punctuality import Punctuality
from loadtest.report import Sample
from loadtest.tally import Tally
from loadtest.timeline import Timeline


@dataclass
class Answers:
    """How many calls of each RPC ended how: every one that was sent, in the warm-up, too, for servers count those."""

    ok: Counter[str] = field(default_factory=Counter)  # as a server of the shop said itself
    lost: Counter[str] = field(default_factory=Counter)  # nobody knows whether a server has answered them with OK

    def count(self, outcome: Outcome) -> None:
        """One call has ended."""
        if outcome.code.name == "OK":
            self.ok[outcome.label] += 1
        elif not outcome.pod:
            self.lost[outcome.label] += 1

    def add(self, other: Answers) -> None:
        """Count those of another process."""
        self.ok.update(other.ok)
        self.lost.update(other.lost)


@dataclass
class Seen:
    """Everything that is known of a run at its end."""

    timeline: Timeline
    tally: Tally = field(default_factory=Tally)
    punctuality: Punctuality = field(default_factory=Punctuality)
    answers: Answers = field(default_factory=Answers)
    busiest: float = 0.0  # share of a core that the busiest process took

    def keep(self, sample: Sample, began: float) -> None:
        """Count a call of the run itself, which began then."""
        outcome = sample.outcome
        self.answers.count(outcome)
        self.tally.record(outcome.label, outcome.code.name, outcome.kind, sample.latency)
        self.timeline.record(sample.scheduled - began, sample.latency, failed=outcome.failed)

    def add(self, other: Seen) -> None:
        """Count what another process has seen."""
        self.timeline.add(other.timeline)
        self.tally.add(other.tally)
        self.punctuality.add(other.punctuality)
        self.answers.add(other.answers)
        self.busiest = max(self.busiest, other.busiest)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        return {
            "timeline": self.timeline.to_json(),
            "tally": self.tally.to_json(),
            "punctuality": self.punctuality.to_json(),
            "ok": self.answers.ok,
            "lost": self.answers.lost,
            "busiest": self.busiest,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Seen:
        """What was written."""
        return cls(
            Timeline.from_json(data["timeline"]),
            Tally.from_json(data["tally"]),
            Punctuality.from_json(data["punctuality"]),
            Answers(Counter(data["ok"]), Counter(data["lost"])),
            data["busiest"],
        )


def together(files: Iterable[Path], seconds: float) -> Seen:
    """What the processes of a run of so many seconds have seen together."""
    total = Seen(Timeline(seconds))
    for file in files:
        total.add(Seen.from_json(json.loads(file.read_text())))
    return total
