"""Where does a run that goes on appear? On a page, as sentences, or as lines of JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.live import Live

from mesh.canary.journal.entry import Entry
from mesh.canary.look.listener import Listener
from mesh.canary.look.page import page
from mesh.canary.look.telling import told
from mesh.canary.look.watched import Watched, noteworthy


class Lines:
    """For programs: the journal itself, an entry a line."""

    def heard(self, entry: Entry) -> None:
        sys.stdout.write(entry.line() + "\n")
        sys.stdout.flush()


class Sentences:
    """For people who read it later: a sentence for everything that is worth one."""

    def heard(self, entry: Entry) -> None:
        if noteworthy(entry):
            at = datetime.fromtimestamp(entry.at).astimezone()
            sys.stdout.write(f"{at:%H:%M:%S}  {told(entry)}\n")
            sys.stdout.flush()


class Page:
    """For people who watch."""

    def __init__(self, live: Live, clock: Callable[[], float], past: Sequence[Entry]) -> None:
        self._run, self._live, self._clock = Watched(), live, clock
        for entry in past:
            self._run.heard(entry)

    def heard(self, entry: Entry) -> None:
        self._run.heard(entry)
        self._live.update(page(self._run, self._clock()), refresh=True)


@contextmanager
def view(
    console: Console, clock: Callable[[], float], past: Sequence[Entry] = (), *, as_lines: bool = False
) -> Iterator[Listener]:
    """What suits whoever reads standard output; a page knows the `past`, and the last one stays on the screen."""
    if as_lines:
        yield Lines()
    elif console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield Page(live, clock, past)
    else:
        yield Sentences()
