"""Does the chain of hashes show every change of a journal?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mesh.canary.journal.entry import GENESIS, Entry, Kind, verified
from mesh.canary.problems import Tampered
from tests.canary.journal.entries import journal

CHAIN = journal(
    (Kind.NODATA, {"step": 0, "why": "nobody answers"}),
    (Kind.PAUSED, {"reason": "lunch"}),
    (Kind.RESUMED, {"unattended": False}),
)


def test_an_entry_is_read_back_as_it_was_written() -> None:
    assert [Entry.parse(entry.line()) for entry in CHAIN] == CHAIN


def test_entries_are_numbered_from_one_and_follow_each_other() -> None:
    assert [entry.n for entry in CHAIN] == [1, 2, 3, 4]
    assert [entry.prev for entry in CHAIN] == [GENESIS, *(entry.hash for entry in CHAIN[:-1])]
    assert list(verified(CHAIN)) == CHAIN


def test_letters_of_any_alphabet_are_hashed_as_they_are_read() -> None:
    entry = Entry.after(None, at=1.0, run="r", kind=Kind.PAUSED, by="jörg@büro", facts={"reason": "Mittag 🍲"})
    assert Entry.parse(entry.line()).intact()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(CHAIN[2], facts={"reason": "an accident"}), id="its facts"),
        pytest.param(replace(CHAIN[2], by="somebody else"), id="who"),
        pytest.param(replace(CHAIN[2], at=0.0), id="when"),
        pytest.param(replace(CHAIN[2], kind=Kind.RESUMED), id="its kind"),
    ],
)
def test_a_changed_entry_is_found(changed: Entry) -> None:
    with pytest.raises(Tampered, match="entry 3"):
        verified([*CHAIN[:2], changed, *CHAIN[3:]])


def test_a_changed_entry_with_a_hash_of_its_own_breaks_the_chain_behind_it() -> None:
    forged = Entry.after(CHAIN[1], at=103.0, run="r1", kind=Kind.PAUSED, by="mallory", facts={"reason": "nothing"})
    with pytest.raises(Tampered, match="entry 4"):
        verified([*CHAIN[:2], forged, *CHAIN[3:]])


def test_a_missing_entry_is_found() -> None:
    with pytest.raises(Tampered, match="from entry 1 to entry 3"):
        verified([CHAIN[0], *CHAIN[2:]])


def test_entries_in_another_order_are_found() -> None:
    with pytest.raises(Tampered):
        verified([CHAIN[0], CHAIN[2], CHAIN[1], CHAIN[3]])


@pytest.mark.parametrize("line", ["", "{}", "no JSON", '{"n": 1, "kind": "unheard of"}', "[1]"])
def test_what_is_no_entry_is_said_to_be_none(line: str) -> None:
    with pytest.raises(Tampered, match="no entry"):
        Entry.parse(line)
