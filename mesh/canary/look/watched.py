"""What is known of a run while it goes on? Its state, what was found last, and what has been said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mesh.canary.journal.blocks import verdict_of
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.journal.state import State
from mesh.canary.judge.verdict import Evidence, Outcome

_REMEMBERED = 8


@dataclass
class Watched:
    """A run as far as its entries were heard."""

    state: State = field(default_factory=State)
    began: float = 0.0
    evidence: Evidence | None = None
    said: deque[Entry] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def heard(self, entry: Entry) -> None:
        self.state = self.state.after(entry)
        self.began = self.began or entry.at
        if entry.kind is Kind.JUDGED:
            self.evidence = verdict_of(entry.facts).evidence
        elif entry.kind is Kind.APPLIED and entry.facts["action"] == "shift":
            self.evidence = None  # was about another weight
        if noteworthy(entry):
            self.said.append(entry)


def noteworthy(entry: Entry) -> bool:
    """Whether it is worth a line: not what happens with every block, nor the announcement of what follows at once."""
    if entry.kind is Kind.JUDGED:
        return Outcome(entry.facts["outcome"]) is not Outcome.NOT_ENOUGH
    return entry.kind not in {Kind.BLOCK, Kind.INTENT}
