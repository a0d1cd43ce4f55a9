"""Who is told what a run writes down? Pages, lines, Events and spans, each for itself."""

from __future__ import annotations

from typing import Protocol

from mesh.canary.journal.entry import Entry


class Listener(Protocol):
    """Somebody who shows or passes on what happens; the run does not depend on it."""

    def heard(self, entry: Entry) -> None:
        """Take in an entry that is in the journal now. Never blocks and never raises."""
