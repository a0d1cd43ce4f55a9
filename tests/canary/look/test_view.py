from __future__ import annotations

import io

import pytest
from rich.console import Console

from mesh.canary.journal.entry import Entry, verified
from mesh.canary.look.telling import told
from mesh.canary.look.view import view
from mesh.canary.look.watched import noteworthy
from tests.canary.look.story import promoted


def follow(console: Console, *, as_lines: bool) -> None:
    with view(console, lambda: 0.0, as_lines=as_lines) as shown:
        for entry in promoted().entries:
            shown.heard(entry)


def test_lines_are_the_journal_itself_and_their_chain_can_be_checked(capsys: pytest.CaptureFixture[str]) -> None:
    follow(Console(force_terminal=True), as_lines=True)
    lines = capsys.readouterr().out.splitlines()
    assert verified(Entry.parse(line) for line in lines) == tuple(promoted().entries)


def test_what_is_no_terminal_gets_a_sentence_for_each_thing_that_happened(capsys: pytest.CaptureFixture[str]) -> None:
    follow(Console(file=io.StringIO()), as_lines=False)
    told_lines = [line.partition("  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert told_lines == [told(entry) for entry in promoted().entries if noteworthy(entry)]


def test_the_last_page_stays_on_a_terminal() -> None:
    screen = io.StringIO()
    follow(Console(file=screen, force_terminal=True, width=120), as_lines=False)
    assert "promoted: every step was passed" in screen.getvalue().rpartition("canary of catalog")[2]


def test_a_page_of_a_run_that_is_resumed_knows_what_was_before() -> None:
    screen = io.StringIO()
    *past, last = promoted().entries
    with view(Console(file=screen, force_terminal=True, width=120), lambda: 0.0, past) as shown:
        shown.heard(last)
    assert "step 2 is seen" in screen.getvalue()
